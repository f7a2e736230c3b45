import numpy as np
import pytest

from src.payments.payments import Payments
from src.payments.providers.candidates import Candidates, candidates
from src.payments.providers.features import Description
from src.payments.providers.known import Known
from src.payments.providers.popularity import popularity
from src.payments.providers.regions import regions_of
from tests.payments.providers.toy import DEFAULTS, Row, changed, payments

ROWS: list[Row] = [
    ("a", 10, "X"),
    ("a", 380, "X"),
    ("b", 300, "X"),
    ("b", 395, "Y"),
    ("b", 399, "Y"),
    ("c", 390, "Z"),
    ("c", 391, None),
]
REGION = ["east", "east", "east", None, "east", "west", None]
CATEGORY = ["food", "food", "food", "cars", "cars", "food", None]


def stream(later: list[Row]) -> Payments:
    unknown: list[str | None] = [None] * len(later)
    return payments([*ROWS, *later], region=[*REGION, *unknown], category=[*CATEGORY, *unknown])


def described(
    payments_: Payments, clients: tuple[int, ...]
) -> tuple[Candidates, dict[str, list[float]]]:
    known = Known.before(payments_, 400)
    models = {"popularity": popularity(known)}
    found = candidates(models, known.matrix(), known.barred(), np.array(clients), 5)
    regions = regions_of(known, changed(DEFAULTS.regions, least_clients=2))
    names, matrix = Description.of(known, regions).features(found)
    return found, dict(zip(names, matrix.T.tolist(), strict=True))


def test_by_hand() -> None:
    found, by_name = described(stream([]), (0, 2))
    # a may be offered Y and Z, c X and Y; X has two payers
    assert found.client.tolist() == [0, 0, 2, 2]
    assert found.provider.tolist() == [1, 2, 0, 1]
    nan = pytest.approx(float("nan"), nan_ok=True)
    ten = np.log1p(10)
    assert by_name == {
        "score:popularity": [1, 1, 2, 1],
        "rank:popularity": [1, 2, 1, 2],
        "models": [1, 1, 1, 1],
        "best_rank": [1, 2, 1, 2],
        "reciprocal_ranks": [1, 0.5, 1, 0.5],
        "provider_payers": [1, 1, 2, 1],
        "provider_payments": [2, 1, 3, 2],
        "provider_payers_14": [1, 1, 0, 1],
        "provider_first_14": [1, 1, 0, 1],
        "provider_payments_14": [2, 1, 0, 2],
        "provider_payers_30": [1, 1, 1, 1],
        "provider_first_30": [1, 1, 0, 1],
        "provider_payments_30": [2, 1, 1, 2],
        "provider_payers_90": [1, 1, 1, 1],
        "provider_first_90": [1, 1, 0, 1],
        "provider_payments_90": [2, 1, 1, 2],
        "provider_payers_365": [1, 1, 2, 1],
        "provider_first_365": [1, 1, 1, 1],
        "provider_payments_365": [2, 1, 2, 2],
        "provider_repeats": [1, 0, 0.5, 1],
        "provider_age": [5, 10, 390, 5],
        "provider_since": [1, 10, 20, 1],
        "provider_amount": pytest.approx([ten] * 4),
        "client_payments": [2, 2, 2, 2],
        "client_providers": [1, 1, 1, 1],
        "client_payments_14": [0, 0, 2, 2],
        "client_first_14": [0, 0, 1, 1],
        "client_payments_30": [1, 1, 2, 2],
        "client_first_30": [0, 0, 1, 1],
        "client_payments_90": [1, 1, 2, 2],
        "client_first_90": [0, 0, 1, 1],
        "client_since": [20, 20, 9, 9],
        "client_age": [390, 390, 10, 10],
        "client_amount": pytest.approx([ten] * 4),
        "amount_gap": pytest.approx([0] * 4),
        # in the client's region; of b's payments to Y one has a region, and b lives in the east
        "region_payments": [1, 0, 0, 0],
        "region_payments_90": [1, 0, 0, 0],
        "region_payers": [1, 0, 0, 0],
        "region_first_90": [1, 0, 0, 0],
        "region_since": [1, nan, nan, nan],
        "region_age": [1, nan, nan, nan],
        "region_size": [4, 4, 1, 1],
        "region_members": [2, 2, 1, 1],
        "region_share": [0.25, 0, 0, 0],
        "region_payer_share": [0.5, 0, 0, 0],
        "share_of_region": [0.5, 0, 0, 0],
        "category": [0, 1, 1, 0],  # Y cars, Z and X food
        "category_payments": [0, 2, 1, 0],
        "category_share": [0, 1, 1, 0],
        "category_providers": [0, 1, 1, 0],
        "herfindahl": [nan, nan, 1, nan],
        "share_in_region": [1, 0, 0, 0],
    }


def test_nothing_from_the_cut_off_on_changes_a_feature() -> None:
    later: list[Row] = [("a", 400, "Y"), ("c", 400, "X"), ("b", 401, "New"), ("d", 402, "Z")]
    _, before = described(stream([]), (0, 2))
    _, after = described(stream(later), (0, 2))
    assert str(after) == str(before)  # NaN is NaN


def test_without_attributes_there_are_no_features_of_them() -> None:
    known = Known.before(payments(ROWS), 400)
    models = {"popularity": popularity(known)}
    found = candidates(models, known.matrix(), known.barred(), np.array([0]), 5)
    names, matrix = Description.of(known, None).features(found)
    assert matrix.shape == (2, len(names))
    assert not [name for name in names if "region" in name or "category" in name]
