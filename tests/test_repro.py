"""Whole pipelines by DVC, on a small simulated bank, in clones of the working tree."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import md5
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from moto.server import ThreadedMotoServer

from src.products import paths
from src.simulation.products import ProductsSimulation, simulate

ROOT = Path(__file__).parent.parent
LONGEST = 1200  # seconds; only a hung command takes as long
STAGES = [
    "ingest", "clean", "split", "train_als", "train_kmeans", "train_mlc", "blend", "evaluate",
    "recommend",
]  # fmt: skip
MODELS = {"popularity", "als", "kmeans", "mlc", "interleave", "blend"}
SMALL = {
    "train_als": {"factors": 4, "iterations": 3},
    "train_kmeans": {"clusters": 5, "epochs": 2, "rows": 2000},
    "train_mlc": {"rows": 1000, "iterations": 5, "depth": 3},
    "blend": {"iterations": 5, "depth": 3},
    "evaluate": {"resamples": 200},
}


@dataclass(frozen=True)
class Clone:
    """A checkout of its own and the environment that its commands run in."""

    folder: Path
    environment: dict[str, str]

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run(self, *command: str) -> str:
        """Output of a command that succeeds."""
        return finish(self.start(*command))

    def fail(self, *command: str) -> str:
        """Output of a command that must not succeed."""
        return finish(self.start(*command), succeeds=False)

    def metrics(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.read(paths.METRICS))
        return content

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def digests(self, *folders: str) -> dict[str, str]:
        """MD5 of every file in some folders, temporary ones included."""
        return {
            str(file.relative_to(self.folder)): md5(file.read_bytes()).hexdigest()  # noqa: S324
            for folder in folders
            for file in sorted((self.folder / folder).rglob("*"))
            if file.is_file()
        }

    def change(self, params: dict[str, Any], file: str = "params.yaml") -> None:
        """Change some keys of some sections of a params file."""
        path = self.folder / file
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for section, values in params.items():
            content[section] |= values
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)


def finish(process: subprocess.Popen[str], *, succeeds: bool = True) -> str:
    output, _ = process.communicate(timeout=LONGEST)
    if (process.returncode == 0) != succeeds:
        pytest.fail(f"{process.args!r} ended with {process.returncode}:\n{output}", pytrace=False)
    return output


def rerun(output: str) -> list[str]:
    """Stages that a `dvc repro` ran."""
    lines = [line for line in output.splitlines() if line.startswith("Running stage ")]
    return [line.split("'")[1].rpartition(":")[2] for line in lines]


def environment(home: Path) -> dict[str, str]:
    """This interpreter first, and nothing of the user's own git, DVC or AWS."""
    foreign = ("GIT_", "DVC_", "AWS_", "NEXTBEST_", "PYTHON", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    if sys.dont_write_bytecode:  # compile the libraries once, not anew in every stage
        kept["PYTHONPYCACHEPREFIX"] = str(home / "compiled")
    return kept | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONIOENCODING": "utf-8",
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "test",
        "GIT_AUTHOR_EMAIL": "test@localhost",
        "GIT_COMMITTER_NAME": "test",
        "GIT_COMMITTER_EMAIL": "test@localhost",
        "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
        "CI": "1",  # DVC does not look for a newer DVC
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def copy_of_working_tree(folder: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, Clone]:
    """Two clones of one commit, in both of which `dvc repro` ran, under different conditions."""
    home = tmp_path_factory.mktemp("home")
    variables = environment(home)
    folder = tmp_path_factory.mktemp("first")
    first = Clone(folder, variables | {"PYTHONHASHSEED": "1"})
    copy_of_working_tree(folder)
    first.change({"products": {"customers": 500}}, "pipelines/simulation/params.yaml")
    first.change(SMALL)
    first.run("git", "init", "--quiet")
    first.commit("A small bank")
    other = tmp_path_factory.mktemp("twin") / "deeper" / "elsewhere"
    second = Clone(other, variables | {"PYTHONHASHSEED": "2", "NEXTBEST_MEMORY": "1GB"})
    first.run("git", "clone", "--quiet", str(folder), str(other))
    running = [clone.start("dvc", "repro") for clone in (first, second)]
    outputs = [finish(process) for process in running]
    for clone, output in zip((first, second), outputs, strict=True):
        assert rerun(output) == ["products", *STAGES], output
        clone.commit("dvc repro")
    return first, second


@pytest.fixture
def first(twins: tuple[Clone, Clone]) -> Clone:
    """A clone that tests leave as `dvc repro` left it."""
    return twins[0]


@pytest.fixture
def playground(twins: tuple[Clone, Clone]) -> Iterator[Clone]:
    """A clone in which parameters and outputs may change: brought back afterwards."""
    clone = twins[1]
    yield clone
    clone.run("git", "reset", "--quiet", "--hard")
    clone.run("dvc", "checkout", "--force")


@pytest.mark.repro
def test_metrics_of_every_model_are_finite_and_inside_their_intervals(first: Clone) -> None:
    metrics = first.metrics()
    assert set(metrics) == {"test", "slices", *MODELS}
    for name in MODELS:
        row = metrics[name]
        assert all(math.isfinite(value) for value in row.values()), (name, row)
        for measure in ("map@7", "map@7_adders"):
            low, mean, high = row[f"{measure}_lo"], row[measure], row[f"{measure}_hi"]
            assert 0 <= low <= mean <= high <= 1, (name, measure, row)
        assert row["map@7"] <= metrics["test"]["map@7_max"]
    assert 0 < metrics["test"]["adders"] < metrics["test"]["customers"] <= 500


@pytest.mark.repro
def test_every_output_is_written_and_nothing_else(first: Clone) -> None:
    written = set(first.digests("data/products", "models/products", "metrics", "plots"))
    catalogue = {value for name, value in vars(paths).items() if name.isupper()}
    assert written == catalogue - {paths.MODELS, paths.SHIPPED, paths.SUBMISSION}
    shipped = {Path(path).name for path in first.digests(paths.SHIPPED)}
    judged = {Path(path).name for path in first.digests(paths.MODELS)}
    assert shipped == judged


@pytest.mark.repro
def test_the_same_commit_gives_the_same_lock(twins: tuple[Clone, Clone]) -> None:
    first, second = twins
    folders = ("data/products", "data/simulation", "models", "metrics", "plots")
    assert first.digests(*folders) == second.digests(*folders)
    for lock in ("dvc.lock", "pipelines/simulation/dvc.lock"):
        assert first.read(lock).decode() == second.read(lock).decode()


@pytest.mark.repro
def test_a_second_repro_runs_nothing(first: Clone) -> None:
    output = first.run("dvc", "repro")
    assert rerun(output) == []
    assert "up to date" in output
    assert first.run("git", "status", "--porcelain") == ""


@pytest.mark.repro
def test_an_experiment_reruns_what_its_parameter_reaches(playground: Clone) -> None:
    before = playground.metrics()
    output = playground.run("dvc", "exp", "run", "--name", "fewer", "-S", "train_als.factors=2")
    assert rerun(output) == ["train_als", "blend", "evaluate", "recommend"], output
    after = playground.metrics()
    changed = {name for name in MODELS if after[name] != before[name]}
    assert {"als", "interleave"} <= changed <= {"als", "interleave", "blend"}
    table = playground.run("dvc", "exp", "show", "--csv", "--drop", "plots|data|models|src")
    assert "fewer" in table
    assert "als.map@7_adders" in table.splitlines()[0]


@pytest.mark.repro
def test_an_unknown_parameter_of_an_experiment_is_refused(playground: Clone) -> None:
    output = playground.fail("dvc", "exp", "run", "-S", "train_als.factor=2")
    assert "train_als.factor" in output
    assert rerun(output) == []
    assert playground.run("git", "status", "--porcelain") == ""


@pytest.mark.repro
def test_a_misspelt_parameter_ends_in_a_sentence(playground: Clone) -> None:
    kept = ("metrics", "plots", "data/products", "models")
    before = playground.digests(*kept)
    playground.change({"evaluate": {"resample": 100}})
    sentence = "unknown parameter 'evaluate.resample' (did you mean 'resamples'?)"
    output = playground.fail("python", "-m", "src.products.evaluate")
    assert output == f"error: params.yaml: {sentence}\n"
    assert playground.digests(*kept) == before
    # DVC takes the outputs of a stage away before it runs it; git and `dvc checkout` have them.
    output = playground.fail("dvc", "repro")
    assert sentence in output
    assert "Traceback" not in output
    assert rerun(output) == ["evaluate"]
    playground.run("git", "checkout", "--quiet", ".")
    playground.run("dvc", "checkout")
    assert playground.digests(*kept) == before


@pytest.mark.repro
def test_an_interrupted_stage_leaves_the_outputs_before_it(
    playground: Clone, tmp_path: Path
) -> None:
    kept = ("models", "plots", "data/products")
    before = playground.digests(*kept)
    playground.change({"train_mlc": {"iterations": 1_000_000}})
    spill = tmp_path / "spill"
    process = subprocess.Popen(
        ["python", "-m", "src.products.train_mlc"],
        executable=sys.executable,
        cwd=playground.folder,
        env=playground.environment | {"NEXTBEST_TMP": str(spill)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a shell that starts the tests in the background has them ignore interrupts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        while not spill.exists() and process.poll() is None:  # until the stage opens its data
            time.sleep(0.05)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LONGEST)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert "interrupted" in output
    assert "Traceback" not in output
    assert playground.digests(*kept) == before


@pytest.mark.repro
def test_a_folder_of_monthly_files_gives_the_same_snapshots(playground: Clone) -> None:
    before = playground.digests("data/products")
    source = pd.read_csv(
        playground.folder / "data/simulation/train_ver2.csv", dtype=str, keep_default_na=False
    )
    folder = playground.folder / "data/raw/monthly"
    write_months(source, "fecha_dato", folder)
    playground.change({"ingest": {"path": "data/raw/monthly"}})
    output = playground.run("dvc", "repro")
    assert rerun(output) == ["ingest"], output  # what it writes is the same: all others are skipped
    assert playground.digests("data/products") == before


def write_months(source: pd.DataFrame, month: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, rows in source.groupby(month):
        rows.to_csv(folder / f"{name}.csv.gz", index=False)


# Other data, by the stages alone


def run_stages(names: list[str]) -> None:
    """Run stages in this process and the working folder."""
    for name in names:
        main: Callable[[], None] = import_module(f"src.products.{name}").main
        main()


def write_params(content: dict[str, Any]) -> None:
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    Path("params.yaml").write_text(text, encoding="utf-8")


@pytest.mark.repro
@pytest.mark.usefixtures("workspace")
def test_another_bank_changes_parameters_only() -> None:
    """Four months in a folder, other names, few columns, five products, ids that are text."""
    products = {
        "ind_cco_fin_ult1": "conto",
        "ind_tjcr_fin_ult1": "carta",
        "ind_recibo_ult1": "addebito",
        "ind_nomina_ult1": "stipendio",
        "ind_nom_pens_ult1": "pensione",
    }
    columns = {
        "fecha_dato": "mese",
        "ncodpers": "cliente",
        "age": "eta",
        "sexo": "sesso",
        "segmento": "fascia",
        **products,
    }
    simulate(
        ProductsSimulation(customers=500, months=4, seed=1),
        Path("banco.csv"),
        Path("truth.parquet"),
    )
    source = pd.read_csv("banco.csv", dtype=str, keep_default_na=False, usecols=list(columns))
    source = source.rename(columns=columns)
    source["cliente"] = "IT-" + source["cliente"].str.strip()
    months = sorted(source["mese"].unique())
    write_months(source, "mese", Path("estratti"))
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for section, values in SMALL.items():
        content[section] |= values
    content["ingest"]["path"] = "estratti"
    content["schema"] = {
        "id": "cliente",
        "id_type": "string",
        "month": "mese",
        "numeric": {"age": "eta"},
        "categorical": {"sex": "sesso", "segment": "fascia"},
        "products": {name: {"en": name.title(), "ru": name} for name in products.values()},
    }
    write_params(content)
    run_stages(STAGES)

    metrics = json.loads(Path(paths.METRICS).read_text(encoding="utf-8"))
    assert metrics["test"]["month"] == months[-1]
    assert set(metrics) == {"test", "slices", *MODELS}
    windows = json.loads(Path(paths.WINDOWS).read_text(encoding="utf-8"))
    assert windows["base"] == months[:1]
    assert windows["blend"] == months[1:3]
    assert windows["test"] == months[3:]
    lists = pq.read_table(paths.RECOMMENDATIONS).to_pandas()
    last = source[source["mese"] == months[-1]].set_index("cliente")[list(products.values())]
    held = last.apply(lambda cells: cells.str.strip()) == "1"
    assert set(lists["customer"]) == set(held.index[~held.all(axis=1)])
    offered = lists.groupby("customer", observed=True)["product"].agg(set)
    for customer, names in offered.items():
        assert names == {name for name in held if not held.loc[customer, name]}

    read = Path(paths.SNAPSHOTS).read_bytes()
    content["ingest"]["path"] = "estratti/*.csv.gz"
    write_params(content)
    run_stages(["ingest"])
    assert Path(paths.SNAPSHOTS).read_bytes() == read


@pytest.mark.real
@pytest.mark.usefixtures("workspace")
def test_the_real_sample(real_data: Path) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["ingest"]["path"] = str(real_data / "products/santander_2016_sample.csv.gz")
    write_params(content)
    run_stages(STAGES[: STAGES.index("evaluate") + 1])
    metrics = json.loads(Path(paths.METRICS).read_text(encoding="utf-8"))
    scores = {name: metrics[name]["map@7_adders"] for name in MODELS}
    assert metrics["test"]["adders"] == 2681
    assert scores["blend"] >= 0.83, scores
    assert 0.66 <= scores["popularity"] <= 0.70, scores
    for name in ("als", "kmeans", "mlc", "interleave"):
        assert scores[name] < scores["popularity"], scores


# Storage: S3 over HTTP


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An S3 endpoint with the bucket of .dvc/config."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )
    client.create_bucket(Bucket="nextbest")
    client.close()
    yield url
    server.stop()


def remote(clone: Clone, url: str) -> None:
    clone.run("dvc", "remote", "modify", "--local", "storage", "endpointurl", url)


def wipe(clone: Clone) -> None:
    for folder in (".dvc/cache", "data", "models"):
        shutil.rmtree(clone.folder / folder)


@pytest.mark.repro
def test_data_and_models_travel_by_s3(first: Clone, endpoint: str, tmp_path: Path) -> None:
    folders = ("data/products", "data/simulation", "models", "metrics", "plots")
    before = first.digests(*folders)
    remote(first, endpoint)
    first.run("dvc", "push")
    wipe(first)
    first.run("dvc", "pull")
    assert first.digests(*folders) == before
    assert rerun(first.run("dvc", "repro")) == []
    assert first.run("git", "status", "--porcelain") == ""

    colleague = Clone(tmp_path / "colleague", first.environment)
    first.run("git", "clone", "--quiet", str(first.folder), str(colleague.folder))
    remote(colleague, endpoint)
    assert colleague.digests("data", "models") == {}
    shown = [clone.run("dvc", "metrics", "show", "--json") for clone in (first, colleague)]
    assert json.loads(shown[0]) == json.loads(shown[1])
    colleague.run("dvc", "pull")
    assert colleague.digests(*folders) == before
    assert rerun(colleague.run("dvc", "repro")) == []
