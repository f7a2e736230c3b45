"""What the models did for each customer of the test month, and the groups that they are in."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.evaluation import metrics
from src.evaluation.targeting import found, placements
from src.lists import LIST_LENGTH, by_batches
from src.models.contract import Scores
from src.models.customers import Customers
from src.products.propensity import chances_table
from src.products.scoring import Models
from src.ranking import top_k

CONTACTED = 0.05  # of the customers: those with the highest chance of adding anything


def outcome_of(
    models: Models, customers: Customers, additions: NDArray[np.bool_], title: str
) -> pd.DataFrame:
    """Rank the test month's customers, and measure each.

    Parameters
    ----------
    models : Models
    customers : Customers
    additions : bool array, shape (customers, products)
        What they added in the test month.
    title : str
        Of the progress bar.

    Returns
    -------
    DataFrame
        In the order of `customers`: `adds` (1 or 0), `precision` and `recall` (AP@7 and recall@7 of
        the blend; 0 where nothing was added), `chance` (of adding anything), `contacted` (how much
        of them is among the first 5 % by that chance), `placement` (share of those who add nothing
        whose chance is lower; its mean over adders is the AUC), `first` (position of the product
        offered first, -1 if they hold all).
    """

    def work(batch: Customers) -> tuple[NDArray[np.int16], Scores]:
        held, scores = batch.history.holdings(), models.score(batch)
        return top_k(scores["blend"], min(LIST_LENGTH, held.shape[1]), held), scores["propensity"]

    lists, chances = map(np.concatenate, zip(*by_batches(work, customers, title), strict=True))
    ids = customers.history.customers
    anything = chances_table(models.propensity, ids, chances)["anything"].to_numpy()
    adds = np.asarray(additions.any(axis=1))
    columns = {"precision": np.zeros(len(adds)), "recall": np.zeros(len(adds))}
    columns["precision"][adds] = metrics.average_precision(
        lists[adds], additions[adds], LIST_LENGTH
    )
    columns["recall"][adds] = metrics.recall(lists[adds], additions[adds], LIST_LENGTH)
    return pd.DataFrame(
        {
            "adds": adds.astype(float),
            **columns,
            "chance": anything.astype(float),
            "contacted": found(anything, CONTACTED),
            "placement": placements(anything, adds),
            "first": lists[:, 0],
        }
    )
