"""How well a model predicts holdings, not additions: the classic hybrid's own metrics.

`held` is bool, (customers, products), of the test month: the usage share of its products, 1 or 0 as
the window has one month. A metric is left out if it is not defined.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from src.evaluation.metrics import ndcg

_LENGTH = 3  # of the lists that the classic hybrid shows


def ndcg_by_customer(scores: NDArray[np.float32], held: NDArray[np.bool_]) -> dict[str, float]:
    """NDCG@3 over customers with at least three products."""
    chosen = held.sum(axis=1) >= _LENGTH
    return _defined({"ndcg@3": ndcg(scores[chosen], held[chosen].astype(np.float64), _LENGTH)})


def ndcg_by_cluster(
    clusters: NDArray[np.int32], means: NDArray[np.float32], held: NDArray[np.bool_]
) -> dict[str, float]:
    """NDCG@3 over clusters: mean holdings in training against those of the test month.

    Parameters
    ----------
    clusters : int array, shape (customers,)
    means : float32 array, shape (clusters, products)
        Of training.
    """
    sizes = np.bincount(clusters, minlength=len(means))
    by_product = [np.bincount(clusters, weights=own, minlength=len(means)) for own in held.T]
    sums = np.array(by_product).T
    there = sizes > 0
    return _defined({"ndcg@3": ndcg(means[there], sums[there] / sizes[there, None], _LENGTH)})


def label_metrics(chances: NDArray[np.float32], held: NDArray[np.bool_]) -> dict[str, float]:
    """F1 and ROC AUC weighted by product, of chances and (as the classic hybrid prints it) labels.

    Left out if fewer than two products distinguish customers.
    """
    varied = held.any(axis=0) & ~held.all(axis=0)
    if varied.sum() < 2:  # scikit-learn would take a single one for two classes
        return {}
    # Seconds to import, and the service, which loads this with the models, measures nothing.
    from sklearn.metrics import roc_auc_score

    truth, chance = held[:, varied], chances[:, varied]
    label = chance > 0.5
    owners, labelled, both = (flags.sum(axis=0) for flags in (truth, label, truth & label))
    false_share = (labelled - both) / (len(truth) - owners)  # the curve of labels has one corner
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # to sort the chances takes the most
        areas = list(pool.map(roc_auc_score, truth.T, chance.T))
    by_product = {
        "f1_weighted": 2 * both / (owners + labelled),
        "roc_auc_weighted": areas,
        "roc_auc_weighted_of_labels": (1 + both / owners - false_share) / 2,
    }
    return _defined(
        {name: float(np.average(own, weights=owners)) for name, own in by_product.items()}
    )


def _defined(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not np.isnan(value)}
