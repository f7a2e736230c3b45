"""Why an operation is likely: the factors that speak for it most, in words."""

import math
from typing import Any

import numpy as np

from src.models.shap import LeafShap
from src.payments.operations.factors import FACTORS, Factor
from src.payments.operations.models import OperationModels
from src.payments.operations.snapshot import Floats
from src.service.payments.scoring import Scored

COUNT = 3  # per operation

_WEEKDAYS = {
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "ru": ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"],
}
_YES = {"en": ["no", "yes"], "ru": ["нет", "да"]}
_CODES = {"weekday": _WEEKDAYS, "holiday": _YES}
_NOT_KNOWN = {"en": "not known", "ru": "неизвестно"}


class Explainer:
    """Says what speaks for operations.

    Of the booster these are SHAP values. Otherwise they are the points of the scorecard,
    coefficient times weight of evidence: those of the network cannot be read.
    """

    def __init__(self, models: OperationModels, model: str) -> None:
        self._shap = LeafShap.of(models.booster) if model == "booster" else None
        self._coefficients = models.logistic.coefficients

    def reasons(self, scored: Scored, operations: list[int]) -> list[list[dict[str, Any]]]:
        """Reasons of some operations, the strongest first."""
        found = []
        for row, points in zip(operations, self._points(scored, operations), strict=True):
            best = np.argsort(-points, kind="stable")[:COUNT]
            found.append(
                [
                    {
                        **phrase(FACTORS[factor], float(scored.matrix[row, factor])),
                        "contribution": round(float(points[factor]), 3),
                    }
                    for factor in best
                    if points[factor] > 0
                ]
            )
        return found

    def _points(self, scored: Scored, operations: list[int]) -> Floats:
        """What each factor adds to the log-odds; (operations, factors)."""
        if self._shap is not None:
            only = np.zeros((1, 1), dtype=np.intp)
            # One by one: a few take a tenth of the time of a table.
            found = [self._shap.values_of(scored.matrix[[row]], only)[0] for row in operations]
            return np.concatenate(found).astype(np.float64)
        points = np.zeros((len(operations), len(FACTORS)))
        for place, factor in enumerate(FACTORS):
            if coefficient := self._coefficients.get(factor.name):
                points[:, place] = coefficient * scored.evidence[factor.name][operations]
        return points


def phrase(factor: Factor, value: float) -> dict[str, str]:
    """A factor and its value in words."""
    return {
        "en": f"{factor.en}: {_told(factor, value, 'en')}",
        "ru": f"{factor.ru}: {_told(factor, value, 'ru')}",
        "factor": factor.name,
    }


def _told(factor: Factor, value: float, language: str) -> str:
    if math.isnan(value):
        return _NOT_KNOWN[language]
    if factor.name in _CODES:
        return _CODES[factor.name][language][int(value)]
    number = f"{value:,.2f}".rstrip("0").rstrip(".")
    return number if language == "en" else number.replace(",", " ").replace(".", ",")
