import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from src.models.calibration import Platt, chance
from src.models.customers import Customers
from src.models.history import History
from src.models.propensity import Propensity, PropensitySettings, Rates
from tests.histories import histories

PRODUCTS = ["account", "card"]


def settings(**changes: object) -> PropensitySettings:
    usual = {
        "rows": 1000,
        "others": 1000,
        "bags": 1,
        "calibration_rows": 1000,
        "min_additions": 1,
        "rate_by": "segment",
        "lags": [1],
        "iterations": 30,
        "depth": 2,
        "learning_rate": 0.3,
        "l2_leaf_reg": 1,
        "subsample": 1,
        "colsample_bylevel": 1,
        "border_count": 16,
        "seed": 7,
    }
    return PropensitySettings.model_validate({**usual, **changes})


def customers(ages: list[float], segments: list[str], held: list[list[int]]) -> Customers:
    profile = pd.DataFrame({"age": ages, "segment": pd.Categorical(segments)})
    return Customers(profile, histories([1] * len(ages), held, 1))


# 400 customers without products; of the old, every second adds the card, of the young, nobody.
OLD = np.arange(400) % 4 == 0
PEOPLE = customers(
    np.where(OLD, 70.0, 20.0).tolist(), ["private"] * 400, np.zeros((400, 2), dtype=int).tolist()
)
CARDS = np.column_stack([np.zeros(400, dtype=bool), OLD & (np.arange(400) % 8 == 0)])


def fit(additions: NDArray[np.bool_] = CARDS, **changes: object) -> Propensity:
    return Propensity.fit(PEOPLE, additions, np.ones(400), PRODUCTS, settings(**changes))


def test_rates_are_shrunk_to_those_of_everybody() -> None:
    # of the rich 2 of 2 add the card, of the others 0 of 2; one of these stands for three
    people = customers([1.0] * 4, ["rich", "rich", "poor", "poor"], [[0, 0]] * 3 + [[1, 0]])
    added = np.array([[0, 1], [0, 1], [0, 0], [0, 0]], dtype=bool)
    rates = Rates.fit("segment", people, added, np.array([1.0, 1.0, 1.0, 3.0]))
    card = (2 + 0.5) / (6 + 1)
    account = 0.5 / (3 + 1)  # three customers do not hold it
    assert chance(rates.log_odds[-1]).tolist() == pytest.approx([account, card, card])
    stranger = customers([1.0, 1.0, 1.0], ["rich", "poor", "new"], [[0, 0]] * 3)
    assert chance(rates.of(stranger)).tolist() == pytest.approx(
        np.array(
            [
                [10 / (2 + 10 / account), (2 + 10) / (2 + 10 / card), (2 + 10) / (2 + 10 / card)],
                [10 / (1 + 10 / account), 10 / (4 + 10 / card), 10 / (4 + 10 / card)],
                [account, card, card],
            ]
        )
    )


def test_chances_come_true_and_held_products_have_none() -> None:
    propensity = fit()
    assert propensity.classes.tolist() == [1]
    asked = customers([70.0, 20.0, 70.0], ["private"] * 3, [[0, 0], [0, 0], [1, 1]])
    account, card = propensity.score(asked).T
    assert card[0] == pytest.approx(0.5, abs=0.05)
    assert card[1] < 0.01
    assert card[2] == 0.0
    # nobody ever added an account: half an addition of 401 customers
    assert account.tolist() == pytest.approx([0.5 / 401, 0.5 / 401, 0.0], rel=0.05)


def test_customers_that_stand_for_many_make_additions_rare() -> None:
    weights = np.where(CARDS.any(axis=1), 1.0, 10.0)
    weighted = Propensity.fit(PEOPLE, CARDS, weights, PRODUCTS, settings())
    old = customers([70.0], ["private"], [[0, 0]])
    # 50 of 50 + 10 * 50 old customers
    assert weighted.score(old)[0, 1] == pytest.approx(50 / 550, abs=0.02)


def test_a_rare_product_has_no_booster_but_its_rate() -> None:
    propensity = fit(min_additions=51)  # 50 cards are added
    assert propensity.classes.tolist() == []
    old = customers([70.0], ["private"], [[0, 0]])
    assert propensity.score(old)[0, 1] == pytest.approx((50 + 10) / (400 + 10 / (50.5 / 401)))


def test_bags_average_log_odds() -> None:
    # the same adders in both, other customers in each: the mean of two is none of them
    two = fit(bags=2)
    assert two.ends == (60,)
    old = customers([70.0], ["private"], [[0, 0]])
    assert two.score(old)[0, 1] == pytest.approx(0.5, abs=0.07)


def test_anything_is_one_minus_the_chance_of_nothing() -> None:
    propensity = fit()
    chances = np.array([[0.5, 0.2], [0.0, 0.0], [0.0, 0.25]], dtype=np.float32)
    assert propensity.anything(chances).tolist() == pytest.approx([0.6, 0.0, 0.25], abs=1e-6)


def test_anything_is_calibrated_on_customers_who_were_held_back() -> None:
    # Whoever adds the card adds the account as well: independent additions would be more adders.
    both = CARDS[:, [1, 1]]
    propensity = fit(both)
    again = np.tile(both, (10, 1))
    many = Customers(
        pd.concat([PEOPLE.profile] * 10, ignore_index=True),
        History.stack([PEOPLE.history] * 10),
    )
    assert propensity.anything(propensity.score(many)).sum() > 1.2 * again.any(axis=1).sum()
    calibrated = propensity.calibrated(propensity, many, again)
    assert calibrated.any != Platt()
    expected = calibrated.anything(calibrated.score(many)).sum()
    assert expected == pytest.approx(again.any(axis=1).sum(), rel=0.03)
    # the chances of the products stay
    assert calibrated.score(many).tobytes() == propensity.score(many).tobytes()
