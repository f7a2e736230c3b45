"""A finished revision in MLflow: a real server, its artifacts on an S3 endpoint."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from src.errors import InputError
from src.log_mlflow.finished import Finished
from src.log_mlflow.runs import log
from src.log_mlflow.server import find_experiment, mlflow_at
from src.products import paths
from src.products.dataset import Dataset
from src.products.scoring import Models
from tests.clones import Clone, environment
from tests.servers import Endpoint, free_port, running, s3_endpoint

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

pytestmark = [
    pytest.mark.repro,
    pytest.mark.filterwarnings("ignore"),  # MLflow warns about others and itself
]
RUNS = ["ALS_processing", "BLEND_processing", "EDA", "KMEANS_processing", "MLC_processing"]
MODELS = ["bank-als", "bank-blend", "bank-kmeans", "bank-mlc"]
SCORE = """
import sys
import mlflow
import pandas as pd

table = pd.read_parquet("customers.parquet")
for uri in sys.argv[1:]:
    model = mlflow.pyfunc.load_model(uri)
    scores = model.predict(table[model.metadata.get_input_schema().input_names()])
    scores.to_parquet(uri.split("/")[1] + ".parquet")
print(sys.modules["src"].__file__)
"""


@dataclass(frozen=True)
class Server:
    """MLflow, and the bucket that its artifacts go to."""

    url: str
    bucket: Endpoint
    client: "MlflowClient"

    def runs(self) -> dict[str, "Run"]:
        """Runs of the experiment by name; two of one name fail."""
        found = self.client.search_runs([find_experiment(self.client, "bank")])
        assert sorted(run.info.run_name for run in found) == RUNS
        return {run.info.run_name: run for run in found}

    def versions(self) -> dict[str, "ModelVersion"]:
        """The only version of each registered model."""
        found = self.client.search_model_versions("")
        assert sorted(version.name for version in found) == MODELS
        return {version.name: version for version in found}

    def inputs(self, uri: str) -> list[str]:
        """Columns that a registered model takes."""
        from mlflow.models import get_model_info

        signature = get_model_info(uri).signature
        assert signature
        return list(signature.inputs.input_names())

    def files(self, run: "Run") -> list[str]:
        """Artifacts of a run."""
        files: list[str] = []
        folders = [""]
        while folders:
            for entry in self.client.list_artifacts(run.info.run_id, folders.pop()):
                (folders if entry.is_dir else files).append(entry.path)
        return sorted(files)


@pytest.fixture(scope="module")
def clone(first: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """The working folder: a clone in which `dvc repro` ran, and two files were changed since."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(first.folder, folder, symlinks=True, dirs_exist_ok=True)
    clone = Clone(folder, first.environment)
    clone.change({"train_als": {"factors": 3}})
    (folder / paths.METRICS).write_text("{}", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in clone.environment.items():
            patch.setenv(name, value)
        yield clone


@pytest.fixture(scope="module")
def server(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("servers")
    plain = environment(folder / "home")
    with s3_endpoint(folder / "s3", plain) as bucket:
        port = free_port()
        settings = bucket.variables | {"MLFLOW_PORT": str(port)}
        text = "".join(f"{name}={value}\n" for name, value in settings.items())
        (clone.folder / "deploy/mlflow/.env").write_text(text, encoding="utf-8")
        script = clone.folder / "deploy/mlflow/run_mlflow_server.sh"
        url = f"http://127.0.0.1:{port}"
        with running(script, plain, port, folder / "log"), mlflow_at(url) as client:
            yield Server(url, bucket, client)


@pytest.fixture(scope="module")
def finished(clone: Clone) -> Finished:
    assert clone.folder == Path.cwd()
    return Finished.read("HEAD")


@pytest.fixture(scope="module")
def output(server: Server, clone: Clone, finished: Finished) -> str:
    """What the command prints where an attempt before it died."""
    import mlflow

    register = mlflow.register_model

    def die_at_kmeans(uri: str, name: str, **options: Any) -> "ModelVersion":
        if name == "bank-kmeans":
            raise KeyboardInterrupt
        return register(uri, name, **options)

    experiment = find_experiment(server.client, "bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow, "register_model", die_at_kmeans)
        with pytest.raises(KeyboardInterrupt):
            log(finished, server.client, experiment, "bank")
    for run in server.client.search_runs([experiment]):
        if run.info.run_name == "MLC_processing":  # killed when all but the last word was said
            server.client.update_run(run.info.run_id, status="RUNNING")
    command = ["python", "-m", "src.log_mlflow", "--experiment", "bank"]
    return clone.run(*command, "--tracking-uri", server.url)


def test_what_is_half_logged_is_replaced(server: Server, finished: Finished, output: str) -> None:
    experiment = find_experiment(server.client, "bank")
    assert output.splitlines() == [
        "note: the workspace has changed since HEAD; what is logged is HEAD, "
        + finished.commit[:7],
        "EDA: already there",
        "MLC_processing: logged, registered as bank-mlc version 2",
        "KMEANS_processing: logged, registered as bank-kmeans version 1",
        "ALS_processing: logged, registered as bank-als version 1",
        "BLEND_processing: logged, registered as bank-blend version 1",
        f"{server.url}/#/experiments/{experiment}",
    ]
    runs, versions = server.runs(), server.versions()
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    for name, version in versions.items():
        model = name.removeprefix("bank-")
        assert version.run_id == runs[f"{model.upper()}_processing"].info.run_id
        assert version.tags == finished.tags
    models = server.client.search_logged_models([experiment])
    assert sorted(model.name for model in models) == ["als", "blend", "kmeans", "mlc"]


@pytest.mark.usefixtures("output")
def test_logging_again_adds_nothing(
    server: Server, finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, versions, objects = server.runs(), server.versions(), server.bucket.objects()
    log(finished, server.client, find_experiment(server.client, "bank"), "bank")
    assert capsys.readouterr().out.count("already there") == 5
    assert {name: run.to_dictionary() for name, run in server.runs().items()} == {
        name: run.to_dictionary() for name, run in runs.items()
    }
    assert {name: dict(version) for name, version in server.versions().items()} == {
        name: dict(version) for name, version in versions.items()
    }
    assert server.bucket.objects() == objects


@pytest.mark.usefixtures("output")
def test_runs_hold_the_revision_and_not_the_workspace(server: Server, clone: Clone) -> None:
    runs = server.runs()
    commit = clone.run("git", "rev-parse", "HEAD").strip()
    lock = clone.run("md5sum", "dvc.lock").split()[0]
    raw = clone.run("md5sum", "data/simulation/train_ver2.csv").split()[0]
    for run in runs.values():
        assert run.data.tags["git_revision"] == commit
        assert run.data.tags["mlflow.source.git.commit"] == commit
        assert run.data.tags["dvc_lock_md5"] == lock
        assert run.data.tags["data_md5"] == raw
    assert runs["EDA"].data.tags["dvc_stages"].startswith("ingest clean split")
    assert runs["ALS_processing"].data.tags["dvc_stages"] == "train_als"

    judged = json.loads(clone.run("git", "show", f"HEAD:{paths.METRICS}"))
    als, blend = runs["ALS_processing"].data, runs["BLEND_processing"].data
    assert als.params == {
        "train_als.trainer": "implicit",
        "train_als.factors": "4",
        "train_als.iterations": "3",
        "train_als.regularization": "0.01",
        "train_als.alpha": "10",
        "train_als.seed": "7",
    }
    assert als.metrics["map_at_7_adders"] == judged["als"]["map@7_adders"]
    assert als.metrics["ndcg_at_3"] == judged["als"]["ndcg@3"]
    assert als.metrics["test.adders"] == judged["test"]["adders"]
    assert blend.metrics["map_at_7"] == judged["blend"]["map@7"]
    assert blend.params["blend.models"] == "['als', 'kmeans', 'mlc']"
    assert blend.params["evaluate.resamples"] == "200"
    assert runs["EDA"].data.params["split.lookback_months"] == "12"
    assert runs["EDA"].data.metrics["quality.customers"] == 1100


@pytest.mark.usefixtures("output")
def test_runs_hold_plots_and_curves(server: Server, clone: Clone) -> None:
    runs = server.runs()
    shared = [paths.METRICS, paths.COMPARISON_PNG, paths.MAP_AT_K_PNG]
    assert server.files(runs["ALS_processing"]) == sorted(shared)
    assert server.files(runs["MLC_processing"]) == sorted([*shared, "plots/products/mlc_curve.csv"])
    assert {paths.IMPORTANCES_PNG, paths.RELIABILITY_PNG} < set(
        server.files(runs["BLEND_processing"])
    )
    drawn = [str(path.relative_to(clone.folder)) for path in clone.folder.glob("plots/eda/*")]
    assert server.files(runs["EDA"]) == sorted(
        [paths.QUALITY, paths.REPAIRS, paths.ADDITIONS_PNG, *drawn]
    )
    curve = pd.read_csv("plots/products/mlc_curve.csv")
    history = server.client.get_metric_history(runs["MLC_processing"].info.run_id, "loss")
    assert [point.step for point in history] == curve["iteration"].tolist() == [1, 2, 3, 4, 5]
    assert [point.value for point in history] == curve["loss"].tolist()


@pytest.mark.usefixtures("output")
def test_registered_models_score_as_ours_elsewhere(
    server: Server, clone: Clone, finished: Finished, tmp_path: Path
) -> None:
    schema = finished.schema
    dataset = Dataset.open(schema).rolled()
    customers = dataset.customers(dataset.windows.next).of(slice(0, 5))
    ours = Models.load(paths.SERVING).score(customers)
    rows = pd.read_parquet(paths.CLEAN)
    rows = rows[rows["month"] == rows["month"].max()].drop(columns=list(schema.products))
    table = rows.merge(pd.read_parquet(paths.HISTORY), on="customer").head(5)
    assert table["customer"].tolist() == customers.history.customers.tolist()
    table.to_parquet(tmp_path / "customers.parquet")
    uris = [f"models:/{name}/{version.version}" for name, version in server.versions().items()]
    source = subprocess.run(
        [sys.executable, "-c", SCORE, *uris],
        cwd=tmp_path,
        env=clone.environment | {"MLFLOW_TRACKING_URI": server.url},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "code/src/__init__.py" in source  # not this repository's
    numeric, categorical = [*schema.numeric, "income_missing"], list(schema.categorical)
    bits = ["present", "was_active", *schema.products]
    signatures = {name: server.inputs(uri) for name, uri in zip(MODELS, sorted(uris), strict=True)}
    assert signatures == {
        "bank-als": bits,
        "bank-blend": [*numeric, *categorical, *bits],
        "bank-kmeans": [*numeric, *categorical],
        "bank-mlc": [*numeric, *categorical],
    }
    for name in MODELS:
        theirs = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert theirs.columns.tolist() == list(schema.products)
        np.testing.assert_array_equal(theirs.to_numpy(), ours[name.removeprefix("bank-")])


@pytest.mark.usefixtures("server")  # which has imported MLflow
def test_signature_example_and_libraries() -> None:
    from src.log_mlflow.models import example, requirements, signature

    columns = signature(
        {
            "numeric": ["age", "income_missing"],
            "categorical": ["sex"],
            "bits": ["present", "card"],
            "products": ["card", "loan"],
        }
    )
    assert columns.inputs.to_dict() == [
        {"name": "age", "type": "double", "required": False},
        {"name": "income_missing", "type": "boolean", "required": True},
        {"name": "sex", "type": "string", "required": False},
        {"name": "present", "type": "long", "required": True},
        {"name": "card", "type": "long", "required": True},
    ]
    assert columns.outputs.to_dict() == [
        {"name": "card", "type": "float", "required": True},
        {"name": "loan", "type": "float", "required": True},
    ]
    assert example(columns.inputs).to_dict("records") == [
        {"age": 0.0, "income_missing": False, "sex": "unknown", "present": 1, "card": 1}
    ]
    pinned = 'numpy==2.4 ; python_version < "3.12"\nflask==3.1\npandas[excel]==3.1\nnumpydoc==1.9\n'
    assert requirements(pinned) == ['numpy==2.4 ; python_version < "3.12"', "pandas[excel]==3.1"]


@pytest.mark.usefixtures("output")
def test_artifacts_lie_in_the_bucket_and_none_is_a_pickle(server: Server) -> None:
    files = server.bucket.objects()
    assert {file.relative_to(server.bucket.bucket).parts[0] for file in files} == {"mlflow"}
    kinds = {".cbm", ".csv", ".json", ".npz", ".png", ".py", ".txt", ".yaml", ""}
    assert {file.suffix for file in files} == kinds
    assert {file.name for file in files if not file.suffix} == {"MLmodel"}
    assert not [file for file in files if file.read_bytes()[:1] == b"\x80"]


def test_an_unfinished_revision_is_refused(clone: Clone) -> None:
    workspace = clone.run("git", "stash", "create").strip()  # a commit of it, on no branch
    with pytest.raises(InputError, match=rf"^'{workspace}' is not finished: .*train_als.*repro"):
        Finished.read(workspace)


def test_a_deleted_experiment_is_named(server: Server) -> None:
    number = server.client.create_experiment("gone")
    server.client.delete_experiment(number)
    with pytest.raises(InputError, match=rf"'gone' was deleted: .* --experiment-id {number}' "):
        find_experiment(server.client, "gone")


@pytest.mark.usefixtures("server")  # which has imported MLflow
def test_no_server() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with (
        pytest.raises(
            InputError, match=rf"^MLflow at {url} does not answer \(Connection refused\)"
        ),
        mlflow_at(url) as client,
    ):
        find_experiment(client, "bank")
