"""How well providers that a client has never paid are ranked; all from ranks, never dense."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.errors import InputError
from src.evaluation.intervals import Interval, bootstrap_means, resampled_means
from src.payments.payments import Payments
from src.payments.providers.known import Ints, Targets
from src.payments.providers.models import MODELS
from src.payments.providers.ranking import Ranking
from src.payments.providers.second_stage import SecondStage
from src.payments.providers.windows import ExampleSettings, Window, masked_window, window
from src.payments.schema import PARAMS

SECOND_STAGE = "second_stage"
_HITS_AT = (1, 5, 10)


@dataclass(frozen=True)
class Found:
    """What lists find, by client with a reachable target.

    Attributes
    ----------
    hits : bool array, shape (clients, k)
        Whether each recommended provider is a target.
    wanted, reachable : int64 arrays, shape (clients,)
        Targets, and those with a provider that somebody has paid before.
    everybody : int
        Clients with any target; a list cannot find anything for those who are not in `hits`.
    """

    hits: NDArray[np.bool_]
    wanted: Ints
    reachable: Ints
    everybody: int

    def hit(self, k: int) -> NDArray[np.float64]:
        """1.0 for a client with at least one target among the first k, else 0.0."""
        return np.asarray(self.hits[:, :k].any(axis=1), dtype=np.float64)

    def average_precision(self, k: int) -> NDArray[np.float64]:
        """AP@k: precision at each hit, summed, by min(k, reachable targets)."""
        hits = self.hits[:, :k]
        precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
        return np.asarray((precision * hits).sum(axis=1) / np.minimum(self.reachable, k))

    def recall(self, k: int) -> NDArray[np.float64]:
        """Share of the reachable targets among the first k."""
        return np.asarray(self.hits[:, :k].sum(axis=1) / self.reachable)

    def recall_all(self, k: int) -> NDArray[np.float64]:
        """Share of all targets among the first k."""
        return np.asarray(self.hits[:, :k].sum(axis=1) / self.wanted)


def found(ranking: Ranking, clients: Ints, targets: Targets) -> Found:
    """Compare lists with targets.

    Parameters
    ----------
    ranking : int32 array, shape (clients, k)
        Providers, best first; -1 where a list is shorter.
    clients : int64 array, shape (clients,)
        Whom the lists are for: all clients with targets, ascending.
    targets : Targets
    """
    there = targets.provider >= 0
    place = np.searchsorted(clients, targets.client)
    wanted = np.bincount(place, minlength=len(clients))
    reachable = np.bincount(place[there], minlength=len(clients))
    width = max(int(ranking.max(initial=0)), int(targets.provider.max(initial=0))) + 1
    keys = np.arange(len(clients))[:, None] * width + ranking
    hits = np.isin(keys, place[there] * width + targets.provider[there]) & (ranking >= 0)
    some = reachable > 0
    return Found(hits[some], wanted[some], reachable[some], len(clients))


def table(
    rankings: dict[str, Ranking],
    clients: Ints,
    targets: Targets,
    providers: int,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Models side by side, with 95 % bootstrap intervals over clients.

    Parameters
    ----------
    rankings : dict of name -> int32 array, shape (clients, k)
        ``popularity`` among them.
    clients, targets
        As in `found`.
    providers : int
        Size of the catalogue.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    pd.DataFrame
        One row per model. ``hit@1``, ``hit@5``, ``hit@10``, ``map@10`` and ``recall@10`` are means
        over clients with a reachable target, of whom nothing but reachable targets counts;
        ``recall_all@10`` is the mean over clients with any target, of all targets. Each has an
        interval, ``_lo`` and ``_hi``. ``coverage@10`` is the share of the catalogue that is
        recommended to anybody (without an interval: a resample always covers less).
        ``map_gain`` is the paired difference of MAP@10 to popularity, with its interval, and
        ``against_popularity`` what follows from it: *better*, *worse*, *no difference shown*.
    """
    results = {name: found(ranking, clients, targets) for name, ranking in rankings.items()}
    first = next(iter(results.values()))
    baseline = results["popularity"].average_precision(10)
    values = {}
    for name, result in results.items():
        for k in _HITS_AT:
            values[f"{name}:hit@{k}"] = result.hit(k)
        values[f"{name}:map@10"] = result.average_precision(10)
        values[f"{name}:recall@10"] = result.recall(10)
        values[f"{name}:recall_all@10"] = result.recall_all(10)
        values[f"{name}:map_gain"] = result.average_precision(10) - baseline
    intervals = bootstrap_means(values, first.everybody, resamples, seed)
    rows = []
    for name, ranking in rankings.items():
        row: dict[str, object] = {"model": name}
        for key, (over_all, over_reachable) in intervals.items():
            model, _, metric = key.partition(":")
            if model == name:
                interval = over_all if metric.startswith("recall_all") else over_reachable
                row |= interval.named(metric)
        shown = np.unique(ranking[:, :10])
        row["coverage@10"] = (shown >= 0).sum() / providers
        row["against_popularity"] = _verdict(intervals[f"{name}:map_gain"][1])
        rows.append(row)
    return pd.DataFrame(rows)


def _verdict(gain: Interval) -> str:
    if gain.low > 0:
        return "better"
    return "worse" if gain.high < 0 else "no difference shown"


@dataclass(frozen=True)
class Origin:
    """One window, measured with what was learnt before it.

    Attributes
    ----------
    window : Window
        With candidates of all models.
    second_stage : SecondStage
    own : Window
        With candidates of the models that the second stage looks at.
    scores : float32 array
        What the second stage says of the candidates of `own`.
    """

    window: Window
    second_stage: SecondStage
    own: Window
    scores: NDArray[np.float32]

    def rankings(self, k: int) -> dict[str, Ranking]:
        """Lists of each model alone and of the second stage, without the regional filter."""
        best = self.own.candidates.ranking(self.scores, k)
        return self.window.rankings(k) | {SECOND_STAGE: best}

    def table(self, settings: ExampleSettings) -> pd.DataFrame:
        """Models side by side; see `table`."""
        seen = self.window
        return table(
            self.rankings(settings.k),
            seen.candidates.clients,
            seen.targets,
            seen.known.shape[1],
            settings.resamples,
            settings.seed,
        )

    def resamples(self, settings: ExampleSettings) -> pd.DataFrame:
        """MAP@10 of all models in the same resamples of clients, so that another run can be paired.

        First a row of all clients, then one of each resample: the mean of the reachable targets of
        a client, which tells two resamples apart, and MAP@10 of each model.
        """
        clients, targets = self.window.candidates.clients, self.window.targets
        results = {
            name: found(ranking, clients, targets)
            for name, ranking in self.rankings(settings.k).items()
        }
        first = next(iter(results.values()))
        values = {"targets": first.reachable.astype(np.float64)}
        values |= {name: result.average_precision(10) for name, result in results.items()}
        drawn = resampled_means(values, first.everybody, settings.resamples, settings.seed)
        return pd.DataFrame({name: [values[name].mean(), *drawn[name]] for name in values})

    def filtered(self, settings: ExampleSettings) -> pd.DataFrame:
        """What the regional filter does to each model.

        One row per model: ``recommendations``, how many are ``impossible``, and with the filter
        ``impossible_after``; ``hit@10`` and ``map@10`` before and ``_after``; ``hit_change`` is the
        paired difference with its 95 % interval.
        """
        k = settings.k
        lists = {
            model: (self.window, self.window.candidates.by_model(model))
            for model in self.window.candidates.models
        } | {SECOND_STAGE: (self.own, self.scores)}
        rows, changes = [], {}
        for name, (seen, scores) in lists.items():
            impossible = seen.impossible(settings.regions)
            before = seen.candidates.ranking(scores, k)
            after = seen.candidates.ranking(scores, k, impossible)
            results = [found(one, seen.candidates.clients, seen.targets) for one in (before, after)]
            changes[name] = results[1].hit(10) - results[0].hit(10)
            rows.append(
                {
                    "model": name,
                    "recommendations": int((before >= 0).sum()),
                    "impossible": self._impossible(before, settings),
                    "impossible_after": self._impossible(after, settings),
                    "hit@10": results[0].hit(10).mean(),
                    "hit@10_after": results[1].hit(10).mean(),
                    "map@10": results[0].average_precision(10).mean(),
                    "map@10_after": results[1].average_precision(10).mean(),
                }
            )
        everybody = results[0].everybody
        intervals = bootstrap_means(changes, everybody, settings.resamples, settings.seed)
        for row in rows:
            row |= intervals[str(row["model"])][1].named("hit_change")
        return pd.DataFrame(rows)

    def _impossible(self, ranking: Ranking, settings: ExampleSettings) -> int:
        """Number of recommendations that the regional filter forbids."""
        regions = self.window.regions
        if regions is None:
            return 0
        barred = regions.impossible(settings.regions)
        rows, places = np.nonzero(ranking >= 0)
        client = self.window.candidates.clients[rows]
        return int(barred[regions.clients[client], ranking[rows, places]].sum())


def rolling_origins(
    payments: Payments, cut_off: int, settings: ExampleSettings
) -> Iterator[Origin]:
    """Measure several windows, oldest first, each by models and a second stage learnt before it.

    Windows of `settings.horizon_days` lie side by side. The last one begins on `cut_off`; the
    second stage learns on the `settings.second_stage.windows` before the one that is measured, with
    features that were known on their first days.

    Raises
    ------
    InputError
        There are not enough days of payments, or nothing to learn.
    """
    chosen = settings.second_stage
    examples: list[tuple[NDArray[np.float32], NDArray[np.bool_]]] = []
    for steps in reversed(range(settings.origins + chosen.windows)):
        start = cut_off - steps * settings.horizon_days
        measured = steps < settings.origins
        seen = window(payments, start, settings, settings.compared if measured else chosen.models)
        own = seen.of_models(chosen.models)
        names, features = own.features()
        if measured:
            second_stage = SecondStage.fit(names, examples, chosen)
            yield Origin(seen, second_stage, own, second_stage.score(features))
        examples = [*examples, learnable(own, features)][-chosen.windows :]


def learn(payments: Payments, cut_off: int, settings: ExampleSettings) -> SecondStage:
    """Fit the second stage on the windows that end on the cut-off day or before.

    Raises
    ------
    InputError
        There are not enough days of payments, or nothing to learn.
    """
    chosen = settings.second_stage
    examples = []
    for steps in range(chosen.windows, 0, -1):
        start = cut_off - steps * settings.horizon_days
        own = window(payments, start, settings, chosen.models)
        names, features = own.features()
        examples.append(learnable(own, features))
    return SecondStage.fit(names, examples, chosen)


def learnable(
    own: Window, features: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Features and labels of the clients with a candidate that came true; others teach no order."""
    paid = own.paid()
    rows = np.isin(own.candidates.client, own.candidates.client[paid])
    return features[rows], paid[rows]


def validations(out_of_time: Window, payments: Payments, settings: ExampleSettings) -> pd.DataFrame:
    """Random masking of known pairs against first payments out of time, for each model alone.

    Columns validation (``masked``, ``out_of_time``), and those of `table`. Hidden pairs are of all
    ages, and so are the payments that models still know around them; new ones come after both.
    """
    names = out_of_time.candidates.models
    hidden = masked_window(payments, out_of_time.known.cut_off, settings, names)
    parts = []
    for title, seen in (("masked", hidden), ("out_of_time", out_of_time)):
        part = table(
            seen.rankings(settings.k),
            seen.candidates.clients,
            seen.targets,
            seen.known.shape[1],
            settings.resamples,
            settings.seed,
        )
        part.insert(0, "validation", title)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def check(settings: ExampleSettings) -> None:
    """Check what the fields' ranges do not.

    Raises
    ------
    InputError
        A model does not exist, or is in the second stage but not compared; lists are longer than
        what a model gives to choose from.
    """
    chosen = settings.second_stage.models
    if unknown := sorted({*chosen, *settings.compared} - set(MODELS)):
        raise InputError(
            f"examples in {PARAMS} names {', '.join(unknown)}; known models are {', '.join(MODELS)}"
        )
    if alone := sorted({*chosen, "popularity"} - set(settings.compared)):
        raise InputError(f"examples.compared in {PARAMS} lacks {', '.join(alone)}")
    if settings.k > (most := settings.second_stage.per_model):
        raise InputError(
            f"{PARAMS}: lists of examples.k = {settings.k} are longer than what each model "
            f"gives, second_stage.per_model = {most}"
        )
