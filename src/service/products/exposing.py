"""What is left to chance in an answer, and in which arm of the experiment the customer is."""

import difflib
from pathlib import Path
from typing import Any

from src import params
from src.errors import InputError
from src.experiment.assignment import Experiment
from src.feedback.exposure import Exposure, draw, first_chance, order_chance
from src.params import AnySection
from src.service.products.fallback import Selection


class Exposing:
    """Draws the order of first offers, and says with which probability it is what it is.

    Only for known customers: nobody can say later what another would have been offered.
    """

    def __init__(self, exposure: Exposure, experiment: Experiment | None = None) -> None:
        self._exposure = exposure
        self._experiment = experiment

    @classmethod
    def read(cls, path: str) -> "Exposing":
        """Read both sections of service.yaml, each of which may be missing.

        Raises
        ------
        InputError
            A setting is wrong, or there is a share for an arm that the experiment does not have.
        """
        exposure = _optional("exposure", Exposure, path) or Exposure()
        experiment = _optional("experiment", Experiment, path)
        arms = experiment.arms if experiment else {}
        if unknown := sorted(exposure.arms.keys() - arms.keys()):
            known = f"has the arms {', '.join(arms)}" if experiment else "is not set"
            raise InputError(
                f"{path}: exposure.arms names '{unknown[0]}', but the section experiment {known}"
            )
        return cls(exposure, experiment)

    def wanted(self, customer: int | str, k: int) -> int:
        """How many offers are ranked for a list of k: those that may change places, too."""
        share = self._exposure.share_in(self._arm(customer))
        return max(k, self._exposure.first) if share else k

    def expose(
        self,
        answer: str,
        customer: int | str,
        ranked: Selection,
        barred: list[str],
        products: list[str],
        k: int,
    ) -> tuple[Selection, dict[str, Any]]:
        """The offers as they are shown, and what the log says of it.

        Parameters
        ----------
        answer : str
            Its id, from which the order is drawn.
        customer : int or str
        ranked : Selection
            Best first; `wanted` of them, if there are so many.
        barred : list of str
            Products that must not be offered to the customer now.
        products : list of str
            Product of each item.
        k : int
            Length of the list.
        """
        arm = self._arm(customer)
        share = self._exposure.share_in(arm)
        candidates = ranked.items[: self._exposure.first if share else 1]
        drawn = draw(answer, share, len(candidates))
        order = drawn if drawn is not None else list(range(len(candidates)))
        shown = [*order, *range(len(candidates), len(ranked.items))][:k]
        told = {
            "share": share,
            "ranked": [products[item] for item in candidates],
            "barred": barred,
            "random": drawn is not None,
            "first_chance": first_chance(shown[0], share, len(candidates)) if shown else 1.0,
            "order_chance": order_chance(order[:k], share, len(candidates)),
        }
        about = {"exposure": told, "experiment": None, "arm": arm}
        if self._experiment:
            about["experiment"] = self._experiment.name
        return ranked.shown(shown, k), about

    def _arm(self, customer: int | str) -> str | None:
        return self._experiment.arm_of(customer) if self._experiment else None


def _optional(section: str, model: type[AnySection], path: str) -> AnySection | None:
    """Read a section that may be left out; but not by a misspelling of its name."""
    sections = params.read_yaml(Path(path).read_text(encoding="utf-8"))
    if sections.get(section) is not None:
        return params.load(section, model, path)
    others = [str(name) for name in sections if name != section]
    if close := difflib.get_close_matches(section, others, n=1, cutoff=0.8):
        raise InputError(f"{path}: unknown section '{close[0]}' (did you mean '{section}'?)")
    return None


NOTHING: dict[str, Any] = {"exposure": None, "experiment": None, "arm": None}
