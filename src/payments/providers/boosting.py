"""Boosting: CatBoost, MultiClass over the most used providers, one row per client."""

from dataclasses import dataclass

import numpy as np
from catboost import CatBoostClassifier, Pool
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from src.errors import InputError
from src.models.boosting import BoosterSettings, fit_booster, new_booster, predict
from src.models.contract import CannotFitError
from src.models.factorization import new_als
from src.payments.providers.activity import of_clients
from src.payments.providers.factors import AlsSettings, confidence
from src.payments.providers.known import Ints, Known, first_payments
from src.payments.providers.popularity import below
from src.payments.schema import PARAMS

_MOST_LABELS = 64  # of an attribute that has a column for each


class BoostingSettings(BoosterSettings):
    """Hyperparameters.

    The classes are the providers with most payments that together cover a `coverage` of all, but
    at most `classes`. The booster learns from first payments in the `days` before the cut-off, of
    which `rows` bounds the sample.
    """

    coverage: float = Field(gt=0, le=1)
    classes: int = Field(ge=2)
    days: int = Field(ge=1)
    colsample_bylevel: float = Field(gt=0, le=1)


@dataclass(frozen=True)
class Boosting:
    """P(class | the client pays one of them for the first time); others follow by popularity.

    Attributes
    ----------
    booster : CatBoostClassifier
    classes : int64 array, shape (classes,)
        Provider of each class.
    features : float32 array, shape (clients, features)
    everywhere : float32 array, shape (providers,)
        Of `below`.
    """

    booster: CatBoostClassifier
    classes: Ints
    features: NDArray[np.float32]
    everywhere: NDArray[np.float32]

    def score(self, clients: Ints) -> NDArray[np.float32]:
        """Score every provider for some clients; see `Model`."""
        scores = np.tile(self.everywhere, (len(clients), 1))
        scores[:, self.classes] = predict(self.booster, self.features[clients], "Probability")
        return scores


def boosting(known: Known, settings: BoostingSettings, als: AlsSettings) -> Boosting:
    """Learn which provider is new, from aggregates and ALS factors of the client.

    Both are those of the day from which first payments are counted. On the cut-off day clients are
    folded in to the same factors of providers, so that the features mean the same.

    Raises
    ------
    InputError
        Fewer than two of the providers were paid for the first time, or always by clients who are
        alike.
    """
    earlier = Known.before(known.payments, known.cut_off - settings.days, known.never_offered)
    targets = first_payments(earlier, known.payments, known.cut_off)
    provider = np.where(targets.provider >= 0, earlier.paid[targets.provider], -1)
    rows = np.flatnonzero(np.isin(provider, _most_used(known, settings)))
    drawn = np.random.default_rng(settings.seed).permutation(len(rows))[: settings.rows]
    rows = rows[np.sort(drawn)]
    classes, labels = np.unique(provider[rows], return_inverse=True)
    if len(classes) < 2:
        raise InputError(
            f"in the {settings.days} days before the cut-off {len(classes)} of the most used "
            "providers were paid for the first time, but boosting needs two classes: set more days "
            f"or classes in {PARAMS}"
        )
    with threadpool_limits(limits=1, user_api="blas"):
        model = new_als(als)
        model.fit(confidence(earlier), show_progress=False)
        everybody = np.arange(known.shape[0])
        folded = model.recalculate_user(everybody, confidence(known)[:, earlier.paid])
    before = np.hstack([aggregates(earlier), model.user_factors])
    booster = new_booster("MultiClass", settings, rsm=settings.colsample_bylevel)
    try:
        fit_booster(booster, Pool(before[targets.client[rows]], labels))
    except CannotFitError as error:
        raise InputError(f"boosting of new providers cannot learn: {error}") from None
    return Boosting(booster, classes, np.hstack([aggregates(known), folded]), below(known))


def aggregates(known: Known) -> NDArray[np.float32]:
    """Describe clients by their payments; float32, (clients, aggregates)."""
    clients = known.shape[0]
    client, day = known.payments.client, known.payments.day
    columns = list(of_clients(known).values())
    total = np.maximum(np.bincount(client, minlength=clients), 1)
    for weekday in range(7):  # the first day of 1970 was a Thursday, which is 0 here
        on_it = np.bincount(client[day % 7 == weekday], minlength=clients)
        columns.append(on_it / total)
    for codes in known.payments.attributes.values():
        if len(codes.labels) > _MOST_LABELS:
            continue
        for label in range(len(codes.labels)):
            of_it = np.bincount(client[codes.codes == label], minlength=clients)
            columns.append(of_it / total)
    return np.column_stack(columns).astype(np.float32)


def _most_used(known: Known, settings: BoostingSettings) -> Ints:
    """Providers with most payments that cover the wanted share of them."""
    provider = known.payments.provider
    counts = np.bincount(provider[provider >= 0], minlength=known.shape[1])
    counts[known.barred()] = 0
    order = np.argsort(-counts, kind="stable")
    covered = np.cumsum(counts[order]) / max(counts.sum(), 1)
    needed = int(np.searchsorted(covered, settings.coverage)) + 1
    return order[: min(needed, settings.classes)]
