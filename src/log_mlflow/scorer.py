"""What MLflow loads of a registered model: our own classes, by code and not by pickle.

`src.log_mlflow.models` logs this file beside the model's files and the modules that it imports.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from src.models.customers import Customers
from src.models.history import History
from src.models.registry import FIRST_STAGE
from src.products.scoring import Models
from src.tables.months import month_of


class Scorer(PythonModel):
    """Scores of one model, which inputs.json names."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model's files."""
        folder = Path(context.artifacts["folder"])
        self.inputs = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))
        name = self.inputs["model"]
        if name in FIRST_STAGE:
            record = FIRST_STAGE[name]
            self.score = record.model.load(folder / record.file).score
        else:
            models = Models.load(folder)
            self.score = lambda customers: models.score(customers)[name]

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Score every product for every row; products that are held are scored, too.

        Parameters
        ----------
        model_input : DataFrame
            A row per customer, columns as in the signature: the profile as in clean.parquet, of
            the last known month; the months as bits as in history.parquet, bit 0 the same month.

        Returns
        -------
        DataFrame
            float32, higher is better; a column per product, the index of `model_input`.
        """
        scores = self.score(customers(model_input, self.inputs))
        return pd.DataFrame(scores, model_input.index, self.inputs["products"])


def customers(table: pd.DataFrame, inputs: dict[str, Any]) -> Customers:
    """Rows of a table as models know customers: profile, and bits if the table has them."""
    for name in [*inputs["numeric"], *inputs["categorical"], *inputs["bits"]]:
        if name not in table:
            raise MlflowException.invalid_parameter_value(f"column {name} is missing")
        if gaps := int(table[name].isna().sum()):
            raise MlflowException.invalid_parameter_value(
                f"column {name} has no value in {gaps:,} rows: score clean rows, as in "
                "clean.parquet, which have none"
            )
    columns: dict[str, Any] = {
        name: table[name].to_numpy(dtype=np.float64) for name in inputs["numeric"]
    }
    columns |= {name: pd.Categorical(table[name]) for name in inputs["categorical"]}
    bits = {name: table[name].to_numpy(dtype=np.int64) for name in inputs["bits"]}
    none = np.zeros(len(table), dtype=np.int64)
    history = History(
        customers=np.arange(len(table)),
        last=np.broadcast_to(month_of(inputs["last_month"]), len(table)),
        present=bits.get("present", none),
        active=bits.get("was_active", none),
        held=np.column_stack([bits.get(product, none) for product in inputs["products"]]),
    )
    profile = pd.DataFrame(columns, index=range(len(table)))
    return Customers(profile, history.recent(inputs["lookback_months"]))


set_model(Scorer())
