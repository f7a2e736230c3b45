import numpy as np
import pytest
from catboost import Pool

from src.payments.calendar import day_of
from src.payments.operations.factors import FACTORS
from src.service.payments.catalogue import Catalogue
from src.service.payments.reasons import phrase
from src.service.payments.scoring import Scored
from src.service.settings import Settings
from tests.service.payments.stream import DAY, serve_model

FACTOR = {factor.name: factor for factor in FACTORS}
CLIENT = 4


def loaded(model: str) -> tuple[Catalogue, Scored]:
    serve_model(model)
    catalogue = Catalogue.load(Settings(revision="abc1234"))
    payments = catalogue.scorer.payments(catalogue.ledger.of(CLIENT), [])
    return catalogue, catalogue.scorer.score(payments, day_of(DAY))


@pytest.mark.usefixtures("payments")
@pytest.mark.parametrize("model", ["logistic", "network"])
def test_points_of_the_scorecard(model: str) -> None:
    """Coefficient times weight of evidence, the highest first, if above 0."""
    catalogue, scored = loaded(model)
    models = catalogue.scorer.models
    evidence = models.evidence(scored.columns)
    coefficients = models.logistic.coefficients
    for row, reasons in enumerate(catalogue.explainer.reasons(scored, [0, 1])):
        points = {name: value * evidence[name][row] for name, value in coefficients.items()}
        best = sorted((value, name) for name, value in points.items() if value > 0)[::-1][:3]
        assert [(one["contribution"], one["factor"]) for one in reasons] == [
            (round(value, 3), name) for value, name in best
        ]


@pytest.mark.usefixtures("payments")
def test_shap_values_of_the_booster() -> None:
    catalogue, scored = loaded("booster")
    booster = catalogue.scorer.models.booster
    found = booster.get_feature_importance(Pool(scored.matrix), type="ShapValues")[:, :-1]
    for row, reasons in enumerate(catalogue.explainer.reasons(scored, list(range(len(found))))):
        best = np.argsort(-found[row], kind="stable")[:3]
        strong = [place for place in best if found[row, place] > 0]
        assert [one["contribution"] for one in reasons] == pytest.approx(
            found[row, strong].tolist(), abs=0.0006
        )
        assert [one["factor"] for one in reasons] == [FACTORS[place].name for place in strong]


@pytest.mark.parametrize(
    ("name", "value", "en", "ru"),
    [
        ("weekday", 0, "weekday: Monday", "день недели: понедельник"),
        ("weekday", 6, "weekday: Sunday", "день недели: воскресенье"),
        ("holiday", 1, "holiday: yes", "праздник: да"),
        ("month_day", 31, "day of the month: 31", "день месяца: 31"),
        ("gap_mean", float("nan"), "mean gap: not known", "средний интервал: неизвестно"),
        ("gap_mean", 1234.5, "mean gap: 1,234.5", "средний интервал: 1 234,5"),
        ("amount_last", -0.251, "last amount ÷ usual: -0.25", "последняя сумма ÷ обычная: -0,25"),
        ("count", 100, "payments: 100", "платежей: 100"),
    ],
)
def test_phrases(name: str, value: float, en: str, ru: str) -> None:
    assert phrase(FACTOR[name], value) == {"en": en, "ru": ru, "factor": name}
