"""payments_als: a study of ALS for new providers, judged on the windows before the test."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from src import params
from src.errors import InputError, run
from src.payments import paths
from src.payments.calendar import date_of
from src.payments.payments import Payments
from src.payments.providers.candidates import candidates
from src.payments.providers.evaluation import found
from src.payments.providers.factors import AlsSettings, als
from src.payments.providers.known import Known, Targets, first_payments
from src.payments.providers.ranking import Ranking
from src.payments.providers.windows import ExampleSettings
from src.payments.schema import PARAMS as PAYMENTS
from src.payments.windows import Split, Windows
from src.tuning import report
from src.tuning.space import PARAMS, Tuning
from src.tuning.study import Measure, Sweep, reduced, run_trials

_K = 10


@dataclass(frozen=True)
class NewProviders:
    """What was known on the first days of some windows, and whom clients paid anew in them.

    Attributes
    ----------
    windows : list of (Known, Targets)
        Oldest first.
    decides : dict
        Settings by which they were made.
    """

    measure: ClassVar = Measure("map@10", "MAP@10", "clients")

    windows: list[tuple[Known, Targets]]
    decides: dict[str, object]

    @classmethod
    def before(cls, payments: Payments, test: int, settings: ExampleSettings) -> "NewProviders":
        """Lay `origins` windows side by side, the last of which ends where the test begins.

        Parameters
        ----------
        payments : Payments
            Those before the test.
        test : int
            Its first day, in days since 1970-01-01.
        settings : ExampleSettings

        Raises
        ------
        InputError
            In one of them no client pays a new provider that could have been named.
        """
        windows = []
        for steps in range(settings.origins, 0, -1):
            first = test - steps * settings.horizon_days
            known = Known.before(payments, first, settings.never_offered)
            targets = first_payments(known, payments, first + settings.horizon_days)
            if not (targets.provider >= 0).any():
                raise InputError(
                    f"in the {settings.horizon_days} days from {date_of(first)} on no client pays "
                    "a provider for the first time whom another has paid before, so there is "
                    "nothing to judge trials by: choose a longer horizon_days or fewer origins in "
                    f"examples of {PAYMENTS}"
                )
            windows.append((known, targets))
        decides = settings.model_dump(include={"horizon_days", "never_offered", "origins"})
        return cls(windows, decides | {"test": str(date_of(test))})

    @property
    def facts(self) -> dict[str, object]:
        """What trials are judged on."""
        firsts = [str(date_of(known.cut_off)) for known, _ in self.windows]
        return {"windows_from": firsts, "clients": len(self._reachable()[0])}

    @property
    def title(self) -> str:
        """The same, in words."""
        firsts = " and ".join(str(date_of(known.cut_off)) for known, _ in self.windows)
        clients = len(self._reachable()[0])
        return f"{clients:,} clients with a new provider in the windows from {firsts} on"

    def _reachable(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Clients with a target that can be named, ascending, and in how many windows."""
        clients = [np.unique(targets.client[targets.provider >= 0]) for _, targets in self.windows]
        people, times = np.unique(np.concatenate(clients), return_counts=True)
        return people, times

    def rank(self, settings: AlsSettings) -> Ranking:
        """Rank providers as the models of the pipeline do; (clients of all windows, 10)."""
        rankings = []
        for known, targets in self.windows:
            model = {"als": als(known, settings)}
            asked = targets.clients()
            offered = candidates(model, known.matrix(), known.barred(), asked, _K)
            rankings.append(offered.ranking(offered.by_model("als"), _K))
        return np.concatenate(rankings)

    def __call__(self, scores: Ranking) -> NDArray[np.float64]:
        """AP@10 of each client, its mean over the windows with a target that can be named."""
        people, times = self._reachable()
        total = np.zeros(len(people))
        start = 0
        for _, targets in self.windows:
            clients = targets.clients()
            ranking = scores[start : start + len(clients)]
            reachable = np.unique(targets.client[targets.provider >= 0])
            precision = found(ranking, clients, targets).average_precision(_K)
            total[np.searchsorted(people, reachable)] += precision
            start += len(clients)
        return total / times


def main() -> None:
    """Run the stage as both params files say."""
    tuning = params.load("payments_als", Tuning, PARAMS)
    examples = params.load("examples", ExampleSettings, PAYMENTS)
    split = params.load("split", Split, PAYMENTS)
    payments = Payments.open(paths.CLEAN)
    windows = Windows.of(payments, split)
    before_test = payments.between(windows.first, windows.test)
    objective = NewProviders.before(before_test, windows.test, examples)

    def score(settings: AlsSettings, part: float) -> Ranking:
        return objective.rank(reduced(settings, "iterations", part))

    current = examples.models.als
    section = "examples.models.als"
    sweep = Sweep("payments_als", section, tuning, current, objective, score, PAYMENTS)
    report.write(sweep, run_trials(sweep))


if __name__ == "__main__":
    run(main)
