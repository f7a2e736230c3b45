"""A served model as MLflow keeps it: files, code, libraries and signature, and no pickle."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec
from mlflow.types import Schema as Columns

from src.log_mlflow.finished import Finished, code, serving
from src.models.registry import FIRST_STAGE
from src.products import paths

_LIBRARIES = {
    "catboost", "implicit", "mlflow", "numpy", "pandas", "pyarrow",
    "pydantic", "ruamel-yaml", "scikit-learn", "scipy", "threadpoolctl",
}  # fmt: skip


def log_model(name: str, finished: Finished, folder: Path) -> str:
    """Log a served model into the active run.

    Parameters
    ----------
    name : str
        A first-stage model, or blend.
    finished : Finished
        Whose models, code and versions of libraries are taken.
    folder : Path
        An empty one.

    Returns
    -------
    str
        URI of the model.
    """
    sys.dont_write_bytecode = True  # MLflow tries the model among the files that it then sends
    modules = code(finished.stages)
    files = serving()
    models = [files[name]] if name in FIRST_STAGE else list(files.values())
    finished.write([*models, *modules], folder)
    for module in modules:  # a package without code is no dep
        (folder / module).with_name("__init__.py").touch()
    inputs = inputs_of(name, finished)
    # a file: MLflow would log a model_config as parameters of the run
    (folder / paths.SERVING / "inputs.json").write_text(json.dumps(inputs), encoding="utf-8")
    columns = signature(inputs)
    logged = mlflow.pyfunc.log_model(
        name=name,
        python_model=str(Path(__file__).with_name("scorer.py")),
        artifacts={"folder": str(folder / paths.SERVING)},
        code_paths=[str(folder / "src")],
        signature=columns,
        input_example=example(columns.inputs),
        pip_requirements=requirements(finished.files["requirements.txt"].decode()),
    )
    uri: str = logged.model_uri
    return uri


def inputs_of(name: str, finished: Finished) -> dict[str, Any]:
    """A model's name, the columns that it takes, its products in order, the months it looks at."""
    schema = finished.schema
    looks_at = FIRST_STAGE[name].looks_at if name in FIRST_STAGE else {"profile", "history"}
    activity = ["was_active"] if "active" in schema.categorical else []
    products = list(schema.products)
    return {
        "model": name,
        "numeric": schema.clean_numeric if "profile" in looks_at else [],
        "categorical": list(schema.categorical) if "profile" in looks_at else [],
        "bits": ["present", *activity, *products] if "history" in looks_at else [],
        "products": products,
        "lookback_months": finished.windows.lookback_months,
        "last_month": str(finished.windows.last),
    }


def signature(inputs: dict[str, Any]) -> ModelSignature:
    """Typed columns of what goes in, as `inputs_of` names it, and what comes out."""
    kinds = {
        **dict.fromkeys(inputs["numeric"], "double"),
        **dict.fromkeys({"income_missing"} & set(inputs["numeric"]), "boolean"),
        **dict.fromkeys(inputs["categorical"], "string"),
        **dict.fromkeys(inputs["bits"], "long"),
    }
    # Not required: the scorer reports what is missing, in a sentence.
    whole = {"boolean", "long"}
    return ModelSignature(
        Columns([ColSpec(kind, name, required=kind in whole) for name, kind in kinds.items()]),
        Columns([ColSpec("float", product) for product in inputs["products"]]),
    )


def example(taken: Columns) -> pd.DataFrame:
    """One made-up customer, new last month and holding everything: no real one leaves the bank."""
    values = {"double": 0.0, "boolean": False, "string": "unknown", "long": 1}
    return pd.DataFrame({column.name: [values[column.type.name]] for column in taken})


def requirements(pinned: str) -> list[str]:
    """Lines of a requirements.txt that a model needs to be loaded."""
    return [line for line in pinned.splitlines() if re.split(r"[\[=]", line)[0] in _LIBRARIES]
