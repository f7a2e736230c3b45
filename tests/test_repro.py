"""Whole pipelines by DVC, on a small simulated bank, in clones of the working tree."""

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from src.models.registry import FIRST_STAGE
from src.products import manifest, paths
from src.service.products.catalogue import Catalogue
from src.service.settings import Settings
from src.simulation.products import ProductsSimulation, simulate
from tests.clones import LONGEST, ROOT, SMALL, STAGES, Clone, interruptible, rerun
from tests.service.bank import online_gaps

MODELS = {"popularity", "als", "kmeans", "mlc", "interleave", "ranker", "propensity", "blend"}


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
    assert 0 < metrics["test"]["adders"] < metrics["test"]["customers"] <= 1100


@pytest.mark.repro
def test_every_output_is_written_and_nothing_else(first: Clone) -> None:
    written = set(first.digests("data/products", "models/products", "metrics", "plots"))
    catalogue = {value for name, value in vars(paths).items() if name.isupper()}
    folders = {paths.TABLES, paths.PLOTS, paths.MODELS, paths.SERVING, paths.SERVING_LISTS}
    of_models = {
        path
        for record in FIRST_STAGE.values()
        for path in (
            f"{paths.MODELS}/{record.file}",
            f"{paths.TABLES}/{record.offline_lists}",
            f"{paths.SERVING_LISTS}/{record.name}.parquet",
        )
    }
    curves = {f"{paths.PLOTS}/{one.name}_curve.csv" for one in FIRST_STAGE.values() if one.curve}
    elsewhere = folders | {paths.SUBMISSION}
    assert written == catalogue - elsewhere | of_models | curves
    serving = {Path(path).name for path in first.digests(paths.SERVING)}
    evaluated = {Path(path).name for path in first.digests(paths.MODELS)}
    evaluated -= {Path(paths.EARLIER_PROPENSITY).name}
    assert serving == evaluated | {Path(manifest.PATH).name}


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
def test_online_is_offline_for_a_thousand_customers(
    first: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(first.folder)
    catalogue = Catalogue.load(Settings(revision="abc1234"))
    known = catalogue.known.history.customers[catalogue.known.position >= 0]
    gaps = online_gaps(catalogue, known[:1000].tolist())
    assert len(gaps) == 1000
    assert all(gap <= 1e-6 for gap in gaps.values())


@pytest.mark.repro
def test_an_experiment_reruns_what_its_parameter_reaches(playground: Clone) -> None:
    before = playground.metrics()
    output = playground.run("dvc", "exp", "run", "--name", "fewer", "-S", "train_als.factors=2")
    assert sorted(rerun(output)) == ["blend", "evaluate", "recommend", "train_als"], output
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
        preexec_fn=interruptible,
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
    # Only the name of the source is another one; split reads it with the warnings.
    assert rerun(output) == ["ingest", "split"], output
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
