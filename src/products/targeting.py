"""How well propensity tells who adds, anything and each product, beside simpler rules."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.evaluation import targeting
from src.evaluation.targeting import Resampling
from src.lists import batches
from src.models.calibration import chance
from src.models.contract import Scores
from src.models.customers import Customers
from src.models.features import FEATURES, Events
from src.products.scoring import Models

FEWEST = 30  # additions: of fewer, no metric of a product says anything
SHOWN = 8  # products in the plots and tables of calibration, the most added

Scored = NDArray[np.float32] | NDArray[np.float64]


def rules(models: Models, customers: Customers) -> dict[str, Scored]:
    """Scores of who adds anything by rules that need no model of customers; (customers,).

    ``segment rate``: the share of the customer's segment that added something in the blend months.
    ``recency``: those who added something last come first. ``popularity``: those who lack the
    products added most.
    """
    (since,) = (one for one in FEATURES if one.name == "months_since_any_added")

    def of(batch: Customers) -> dict[str, Scored]:
        free = ~batch.history.holdings()
        months = since.compute(Events(batch.history))
        return {
            "segment rate": chance(models.propensity.rates.of(batch)[:, -1]),
            "recency": -np.nan_to_num(months, nan=1000),
            "popularity": (free * models.popularity.score(batch)).sum(axis=1),
        }

    parts = [of(batch) for batch in batches(customers, "simpler rules")]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def compare(
    anything: NDArray[np.float32],
    simpler: dict[str, Scored],
    chances: Scores,
    held: NDArray[np.bool_],
    additions: NDArray[np.bool_],
    products: list[str],
    resampling: Resampling,
) -> dict[str, Any]:
    """Metrics of `targeting.measure`, of anything by each score and of each product.

    Parameters
    ----------
    anything : float32 array, shape (customers,)
    simpler : dict of name -> float array, shape (customers,)
        As `rules` makes them.
    chances : float32 array, shape (customers, products)
    held, additions : bool arrays, shape (customers, products)
        A product is only asked about for customers who do not hold it.
    products : list of str
    resampling : Resampling
    """
    adds = np.asarray(additions.any(axis=1))
    table: dict[str, Any] = {
        "anything": {
            "rate": adds.mean(),
            "propensity": targeting.measure(anything, adds, resampling),
            **{
                name: targeting.measure(own, adds, resampling, chances=name == "segment rate")
                for name, own in simpler.items()
            },
        }
    }
    for item in np.flatnonzero(additions.sum(axis=0) >= FEWEST):
        free = ~held[:, item]
        happened = additions[free, item]
        table[products[item]] = {
            "customers": int(free.sum()),
            "additions": int(happened.sum()),
            "rate": happened.mean(),
            **targeting.measure(chances[free, item], happened, resampling.of_rows(free)),
        }
    return table


def gains(
    anything: NDArray[np.float32], simpler: dict[str, Scored], adds: NDArray[np.bool_]
) -> pd.DataFrame:
    """Gains curves, one below the other; columns score, share, found."""
    curves = {"propensity": anything, **simpler}
    parts = [targeting.gains(own, adds).assign(score=name) for name, own in curves.items()]
    return pd.concat(parts, ignore_index=True)[["score", "share", "found"]]


def calibration(
    anything: NDArray[np.float32],
    chances: Scores,
    held: NDArray[np.bool_],
    additions: NDArray[np.bool_],
    titles: list[str],
) -> pd.DataFrame:
    """Chances against what happened, of anything and of the products most added.

    Columns title, bin, customers, predicted, observed.
    """
    adds = np.asarray(additions.any(axis=1))
    parts = [targeting.calibration(anything, adds).assign(title="anything")]
    counts = additions.sum(axis=0)
    for item in np.argsort(-counts, kind="stable")[:SHOWN]:
        if counts[item]:
            free = ~held[:, item]
            own = targeting.calibration(chances[free, item], additions[free, item])
            parts.append(own.assign(title=titles[item]))
    table = pd.concat(parts, ignore_index=True)
    return table[["title", "bin", "customers", "predicted", "observed"]]
