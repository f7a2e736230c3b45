"""Runs of MLflow: one each for the data (EDA), each first-stage model and the blend.

They are found again by their tags: logging twice adds nothing, a half-logged run is replaced.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from src.log_mlflow.finished import Finished
from src.log_mlflow.parts import Part, parts, payments_parts
from src.products.promoted import Promoted

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

_DESCRIPTION = (
    "Fitted on all months, for the month after the last. The metrics of the run are those of the "
    "same settings fitted without the test month."
)
ALIAS = "promoted"
_METRICS_AT_ONCE = 1000  # as many as the server takes


def log(finished: Finished, client: "MlflowClient", experiment: str, prefix: str) -> None:
    """Log what of a revision is not in an experiment yet; print a line per run.

    Models are registered as `prefix`, a hyphen and their name.
    """
    reports = {
        path: json.loads(content)
        for path, content in finished.files.items()
        if path.startswith("metrics/")
    }
    own = parts(finished.stages, reports)
    for part in [*own, *payments_parts(finished.payments, reports)]:
        query = f"tags.git_revision = '{finished.commit}' and run_name = '{part.name}'"
        earlier = client.search_runs([experiment], query)
        if any(entry.info.status == "FINISHED" for entry in earlier):
            print(f"{part.name}: already there")
            continue
        for entry in earlier:
            _discard(client, experiment, entry.info.run_id)
        print(f"{part.name}: {_log_part(part, finished, client, experiment, prefix)}", flush=True)


def point_at_promoted(client: "MlflowClient", prefix: str, chosen: Promoted) -> list[str]:
    """Give the alias ``promoted`` to the versions of the run that is served by decision.

    Returns
    -------
    list of str
        These versions; none if that run was never logged.
    """
    pointed = []
    versions = client.search_model_versions(f"tags.git_revision = '{chosen.revision}'")
    for version in sorted(versions, key=lambda one: one.name):
        if version.name.startswith(f"{prefix}-"):
            client.set_registered_model_alias(version.name, ALIAS, version.version)
            pointed.append(f"{version.name} version {version.version}")
    return pointed


def _discard(client: "MlflowClient", experiment: str, run_id: str) -> None:
    """Delete a half-logged run and the models that it left."""
    for version in client.search_model_versions(f"run_id = '{run_id}'"):
        client.delete_model_version(version.name, version.version)
    for model in client.search_logged_models([experiment], f"source_run_id = '{run_id}'"):
        client.delete_logged_model(model.model_id)
    client.delete_run(run_id)


def _log_part(
    part: Part, finished: Finished, client: "MlflowClient", experiment: str, prefix: str
) -> str:
    import mlflow

    from src.log_mlflow.models import log_model

    tags = finished.tags | part.tags
    shown = {"dvc_stages": " ".join(part.stages), "mlflow.source.git.commit": finished.commit}
    with (
        tempfile.TemporaryDirectory() as folder,
        mlflow.start_run(experiment_id=experiment, run_name=part.name, tags=tags | shown) as entry,
    ):
        mlflow.log_params(part.params)
        mlflow.log_metrics(part.metrics)
        for file in part.files:
            if file.endswith("_curve.csv"):
                points = list(_curve(finished.files[file]))
                for start in range(0, len(points), _METRICS_AT_ONCE):
                    chunk = points[start : start + _METRICS_AT_ONCE]
                    client.log_batch(entry.info.run_id, metrics=chunk)
        finished.write(part.files, Path(folder, "results"))
        mlflow.log_artifacts(str(Path(folder, "results")))
        if not part.model:
            return "logged"
        uri = log_model(part.model, finished, Path(folder, "model"))
        with redirect_stderr(StringIO()):  # it says the same in more words
            version = mlflow.register_model(uri, f"{prefix}-{part.model}", tags=tags)
        client.update_model_version(version.name, version.version, _DESCRIPTION)
        return f"logged, registered as {version.name} version {version.version}"


def _curve(content: bytes) -> Iterator["Metric"]:
    """A training curve, columns step and value, as a metric with steps."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    table = pd.read_csv(BytesIO(content))
    name = str(table.columns[1])
    for step, value in zip(*(table[column].tolist() for column in table), strict=True):
        yield Metric(name, value, now, step)
