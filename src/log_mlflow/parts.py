"""The runs that MLflow shows of one revision: the data, each first-stage model, the blend."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from src.log_mlflow.finished import raw_md5, written
from src.models.registry import FIRST_STAGE
from src.payments import paths as payments_paths
from src.payments.schema import PARAMS
from src.products import paths


@dataclass(frozen=True)
class Part:
    """What one run holds.

    Attributes
    ----------
    name : str
        Of the run.
    stages : list of str
        Those of dvc.yaml that it covers.
    params : dict
        Dotted name, as ``dvc exp run -S`` takes it, -> value.
    metrics : dict
        Name, in characters that MLflow allows, -> number.
    files : list of str
        Metrics and plots, relative to the root of the repository.
    model : str
        A first-stage model, or blend; empty if the run has none.
    tags : dict
        That differ from those of the revision.
    """

    name: str
    stages: list[str]
    params: dict[str, Any]
    metrics: dict[str, float]
    files: list[str]
    model: str = ""
    tags: dict[str, str] = field(default_factory=dict)


def parts(stages: dict[str, Any], reports: dict[str, Any]) -> list[Part]:
    """Cut a revision into runs: the data, each first-stage model, the blend.

    Parameters
    ----------
    stages : dict
        Of dvc.lock.
    reports : dict of path -> content
        Of metrics/quality.json, metrics/repairs.json and metrics/products.json.
    """
    data = ["ingest", "clean", "split", *({"eda"} & set(stages))]
    found = {"quality": reports[paths.QUALITY], "repairs": reports[paths.REPAIRS]}
    plots = [path for path in written(stages) if path.startswith("plots/eda/")]
    files = [paths.QUALITY, paths.REPAIRS, *plots, paths.ADDITIONS_PNG]
    result = [Part("EDA", data, _params(stages, data), _numbers(found), files)]
    scored = reports[paths.METRICS]
    for model in [*FIRST_STAGE, "blend"]:
        names = ["blend", "evaluate"] if model == "blend" else [f"train_{model}"]
        slices = {title: row[model] for title, row in scored["slices"].items() if model in row}
        metrics = _numbers(scored[model] | {"test": scored["test"], "slices": slices})
        plots = [path for path in written(stages, *names) if path.startswith("plots/")]
        files = sorted({paths.METRICS, paths.COMPARISON_PNG, paths.MAP_AT_K_PNG, *plots})
        name = f"{model.upper()}_processing"
        result.append(Part(name, names, _params(stages, names), metrics, files, model))
    return result


def payments_parts(stages: dict[str, Any], reports: dict[str, Any]) -> list[Part]:
    """Cut the payments pipeline into runs: its data, operations, new providers.

    Parameters
    ----------
    stages : dict
        Of its dvc.lock; none if it has not run.
    reports : dict of path -> content
        Of its metrics.
    """
    if not stages:
        return []
    scored = reports[payments_paths.METRICS]
    metrics = {
        "EDA": {
            "quality": reports[payments_paths.QUALITY],
            "repairs": reports[payments_paths.REPAIRS],
        },
        "operations": scored["operations"],
        "examples": scored["examples"],
    }
    of_run = {
        "EDA": ["ingest", "clean", "eda"],
        "operations": ["observe", "train_operations", "evaluate"],
        "examples": ["examples"],
    }
    return [
        Part(
            f"PAYMENTS_{name}",
            names,
            _params(stages, names, PARAMS),
            _numbers(metrics[name]),
            sorted(
                {
                    payments_paths.METRICS,
                    *(path for path in written(stages, *names) if path.startswith("plots/")),
                }
            ),
            tags={"data_md5": raw_md5(stages)},
        )
        for name, names in of_run.items()
    ]


def _params(stages: dict[str, Any], names: list[str], file: str = "params.yaml") -> dict[str, Any]:
    """Parameters of some stages; the schema, which is the same for all, is left out."""
    sections: dict[str, Any] = {}
    for name in names:
        sections |= stages[name].get("params", {}).get(file, {})
    return {key: value for key, value in _flat(sections) if not key.startswith("schema.")}


def _numbers(content: dict[str, Any]) -> dict[str, float]:
    """Numbers of nested dicts; MLflow allows no ``@``, so that map@7 becomes map_at_7."""
    return {
        re.sub(r"[^\w.\- ]", "_", key.replace("@", "_at_")): value
        for key, value in _flat(content)
        if isinstance(value, int | float)
    }


def _flat(content: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
