import sys
from importlib.util import find_spec

import numpy as np
import pytest

from src.errors import InputError
from src.payments.providers import factors
from src.payments.providers.known import Known
from src.payments.providers.machine import machine
from tests.payments.providers.toy import DEFAULTS, changed, known, payments

SETTINGS = changed(DEFAULTS.models.als, factors=2, iterations=10, regularization=0.01, alpha=10)
# Twenty clients pay two of X, Y and Z each, twenty others two of P, Q and R.
TASTES = " ".join(
    f"{'ab'[taste]}{number:02}:{''.join(two)}"
    for taste, all_ in enumerate(("XYZ", "PQR"))
    for number, two in enumerate([all_.replace(one, "") for one in all_] * 7)
)


def test_als_separates_tastes() -> None:
    scores = factors.als(known(TASTES), SETTINGS).score(np.array([0, 41]))
    assert scores[0, 3:].min() > scores[0, :3].max() + 0.3  # P, Q, R come first
    assert scores[1, :3].min() > scores[1, 3:].max() + 0.3


def test_als_learns_the_same_twice() -> None:
    first, second = (factors.als(known(TASTES), SETTINGS).score(np.arange(5)) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_the_bias_is_the_logarithm_of_the_payers() -> None:
    plain = factors.als(known("a:XY b:X"), SETTINGS).score(np.array([0]))
    biased = factors.als(known("a:XY b:X"), SETTINGS.model_copy(update={"bias": 0.5}))
    expected = plain + 0.5 * np.log([[3, 2]])
    assert biased.score(np.array([0])) == pytest.approx(expected, abs=1e-6)


def test_confidence_grows_with_the_logarithm_of_payments() -> None:
    stream = payments([("a", 1, "X"), ("a", 2, "X"), ("a", 3, "Y")])
    table = factors.confidence(Known.before(stream, 9)).toarray()
    assert table == pytest.approx(np.array([[1 + np.log(2), 1]]))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_als_that_explodes_is_refused() -> None:
    settings = changed(DEFAULTS.models.als, factors=8, iterations=50, regularization=0, alpha=1)
    with pytest.raises(
        InputError, match="ALS are not finite with alpha 1 and regularization 0: choose others"
    ):
        factors.als(known("a:X"), settings)


def test_the_machine_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightfm", None)
    with pytest.raises(InputError, match="machine, which needs the package rectools-lightfm: inst"):
        machine(known(TASTES), DEFAULTS.models.machine)


needs_lightfm = pytest.mark.skipif(
    find_spec("lightfm") is None, reason="rectools-lightfm is not installed"
)


@needs_lightfm
@pytest.mark.parametrize("features", [True, False])
def test_the_factorization_machine_separates_tastes(features: bool) -> None:
    settings = changed(DEFAULTS.models.machine, factors=8, epochs=30, features=features)
    scores = machine(known(TASTES), settings).score(np.array([0, 41]))
    assert scores[0, 3:].min() > scores[0, :3].max()
    assert scores[1, :3].min() > scores[1, 3:].max()


@needs_lightfm
def test_the_machine_knows_a_client_by_their_region() -> None:
    rows = [(f"{'ab'[number % 2]}{number:02}", 1, "XP"[number % 2]) for number in range(40)]
    regions = ["east", "west"] * 20
    # two clients pay only Q, which everybody pays: their region is all there is to tell
    everybody = [(client, 2, "Q") for client, _, _ in rows]
    asked = [("z1", 1, "Q"), ("z2", 1, "Q")]
    stream = payments([*rows, *everybody, *asked], region=[*regions, *regions, "east", "west"])
    model = machine(Known.before(stream, 9), changed(DEFAULTS.models.machine, factors=8, epochs=60))
    scores = model.score(np.array([40, 41]))  # P, Q, X
    assert scores[0, 2] > scores[0, 0]
    assert scores[1, 0] > scores[1, 2]
