"""What last month's offers came to: lists and chances as they were served, against what was added.

And which models rank the newest month better: those that are served, or the refitted ones.
"""

import io
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src.compare import revisions
from src.errors import InputError
from src.evaluation import comparison, targeting
from src.evaluation.differences import VERDICT_ON, Difference, paired
from src.evaluation.targeting import Resampling
from src.lists import LIST_LENGTH, by_batches
from src.models.customers import Customers
from src.month.settings import Month
from src.products import manifest, paths
from src.products.dataset import Dataset
from src.products.promoted import Promoted
from src.products.scoring import Models
from src.products.windows import Windows
from src.ranking import top_k

TOLD = ("auc", "found@5%", "lift@5%", "calibration_error")  # of the chances of anything


@dataclass(frozen=True)
class CameTo:
    """Offers that were served, against what happened.

    Attributes
    ----------
    month : str
        The month that they were made for.
    customers, adders : int
        Of those who got offers and were still there: how many, and how many of them added.
    lists : dict
        MAP@7 of the lists, over all customers and among adders, with intervals.
    chances : dict
        Metrics of the chances of anything, see `targeting.measure`; empty if nobody added.
    promised : dict
        The same two, as evaluate had measured them in the month before.
    calibration : DataFrame
        Chances against what happened, see `targeting.calibration`.
    """

    month: str
    customers: int
    adders: int
    lists: dict[str, float]
    chances: dict[str, float]
    promised: dict[str, dict[str, float]]
    calibration: pd.DataFrame


def came_to(dataset: Dataset, champion: Promoted, settings: Month) -> CameTo:
    """Measure what a promoted run has offered, on the newest month.

    Raises
    ------
    InputError
        Its lists are neither in the cache nor in the remote.
    """
    (date,) = dataset.windows.test
    month = np.datetime64(date, "M")
    lists, chances, metrics, own = revisions.read(
        champion.revision, paths.RECOMMENDATIONS, paths.CHANCES, paths.METRICS, paths.TARGETING
    )
    table = pq.read_table(io.BytesIO(chances))
    ids = table["customer"].to_numpy()
    ranking = ranking_of(pq.read_table(io.BytesIO(lists)), ids, dataset.products)
    places, there = _places(dataset.history.customers, ids)
    here = dataset.history.before(month + 1).known()
    still = there & here[places]
    additions = dataset.additions(month)[places[still]]
    adds = np.asarray(additions.any(axis=1))
    anything = table["anything"].to_numpy()[still]
    resampling = Resampling.of(len(adds), settings.resamples, settings.seed)
    rankings = {VERDICT_ON: ranking[still]}
    found = comparison.mean_precisions(
        comparison.precisions(rankings, additions), len(adds), settings.resamples, settings.seed
    )
    return CameTo(
        champion.month,
        len(adds),
        int(adds.sum()),
        found[VERDICT_ON],
        targeting.measure(anything, adds, resampling),
        {
            "lists": json.loads(metrics)[VERDICT_ON],
            "chances": json.loads(own)["anything"]["propensity"],
        },
        targeting.calibration(anything, adds),
    )


def ranking_of(lists: pa.Table, ids: NDArray[Any], products: list[str]) -> NDArray[np.int16]:
    """Lists as a ranking: int16, (customers, k), -1 behind the last; a row per id, in their order.

    Parameters
    ----------
    lists : Table
        Columns customer, rank (1 is best) and product.
    ids : array of ids, ascending
    products : list of str
    """
    place = {name: item for item, name in enumerate(products)}
    items = [place[name] for name in lists["product"].to_pylist()]
    ranks = lists["rank"].to_numpy()
    ranking = np.full((len(ids), int(ranks.max(initial=1))), -1, dtype=np.int16)
    ranking[np.searchsorted(ids, lists["customer"].to_numpy()), ranks - 1] = items
    return ranking


def _places(known: NDArray[Any], ids: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Positions of ids among the known ones, and which of them are known."""
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return places, np.asarray(known[places] == ids)


def compare(dataset: Dataset, champion: Promoted, settings: Month) -> Difference:
    """The refitted models against those that are served, on the adders of the newest month.

    Both have learnt from months before it only. A positive change is in favour of the refitted.

    Raises
    ------
    InputError
        The served models are neither in the cache nor in the remote, or this code cannot read them.
    """
    (date,) = dataset.windows.test
    month = np.datetime64(date, "M")
    challenger = pd.read_parquet(paths.TEST_CUSTOMERS, columns=["customer", VERDICT_ON])
    ids = challenger["customer"].to_numpy()
    chosen = np.isin(dataset.history.customers, ids)
    (windows,) = revisions.read(champion.revision, paths.WINDOWS)
    # The served models know histories as long as those that they have learnt from.
    lookback = Windows.read(windows).lookback_months
    own = replace(dataset, windows=replace(dataset.windows, lookback_months=lookback))
    customers = own.customers(month, chosen)
    additions = dataset.additions(month)[chosen]
    with tempfile.TemporaryDirectory() as folder:
        names = manifest.models()
        for name, content in zip(names, revisions.read(champion.revision, *names), strict=True):
            (Path(folder) / Path(name).name).write_bytes(content)
        try:
            models = Models.load(folder)
            ranking = _rank(models, customers)
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"this code cannot read the models of {champion.revision[:7]} ({error})"
            ) from None
    before = comparison.precisions({VERDICT_ON: ranking}, additions)[VERDICT_ON]
    after = challenger[VERDICT_ON].to_numpy()
    (row,) = paired({VERDICT_ON: ([before], [after])}, settings.resamples, settings.seed)
    return row


def _rank(models: Models, customers: Customers) -> NDArray[np.int16]:
    def work(batch: Customers) -> NDArray[np.int16]:
        held = batch.history.holdings()
        return top_k(models.score(batch)[VERDICT_ON], min(LIST_LENGTH, held.shape[1]), held)

    return np.concatenate(list(by_batches(work, customers, "served models")))


def first_offers_changed(champion: Promoted) -> float:
    """Share of the customers in both runs' lists whose first offer is another one now."""
    (content,) = revisions.read(champion.revision, paths.RECOMMENDATIONS)
    before, after = (
        table.filter(pa.compute.equal(table["rank"], 1)).to_pandas().set_index("customer")
        for table in (pq.read_table(io.BytesIO(content)), pq.read_table(paths.RECOMMENDATIONS))
    )
    both = before.index.intersection(after.index)
    if not len(both):
        return float("nan")
    first = (table.loc[both, "product"].astype(str).to_numpy() for table in (before, after))
    return float(np.not_equal(*first).mean())
