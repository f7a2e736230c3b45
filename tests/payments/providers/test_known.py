import numpy as np

from src.payments.providers.known import Known, Pairs, first_payments, masked
from tests.payments.providers.toy import payments, visits

STREAM = payments(
    [
        ("a", 1, "X"),
        ("a", 4, "Y"),
        ("a", 6, "X"),
        ("b", 2, None),
        ("b", 3, "Y"),
        ("b", 12, "X"),
        ("b", 13, "Z"),
        ("b", 14, "X"),
        ("b", 15, "Y"),
        ("c", 11, "X"),
    ],
    region=["north", "south", None, "east", None, "west", None, None, None, "west"],
)


def test_pairs_by_hand() -> None:
    pairs = Pairs.of(STREAM)
    assert pairs.client.tolist() == [0, 0, 1, 1, 1, 2]
    assert pairs.provider.tolist() == [0, 1, 0, 1, 2, 0]
    assert pairs.count.tolist() == [2, 1, 2, 2, 1, 1]
    assert pairs.first.tolist() == [1, 4, 12, 3, 13, 11]
    assert pairs.last.tolist() == [6, 4, 14, 15, 13, 11]


def test_no_payments_have_no_pairs() -> None:
    assert len(Pairs.of(payments([]))) == 0
    assert len(Pairs.of(payments([("a", 1, None)]))) == 0


def test_the_cut_off_day_and_all_after_it_are_forgotten() -> None:
    known = Known.before(STREAM, 6, ["Y"])
    assert known.payments.day.tolist() == [1, 4, 2, 3]
    assert known.payments.providers == ["X", "Y"]  # Z has not been paid yet
    assert known.paid.tolist() == [0, 1]
    assert known.shape == (3, 2)
    assert known.matrix().toarray().tolist() == [[1, 1], [0, 1], [0, 0]]
    assert known.matrix(np.array([5, 6, 7], "f4")).toarray().tolist() == [[5, 6], [0, 7], [0, 0]]
    assert known.payers().tolist() == [1, 2]
    assert known.barred().tolist() == [False, True]
    assert known.payments.latest("region").tolist() == [2, 0, -1]  # south, east


def test_providers_have_codes_of_their_own() -> None:
    known = Known.before(visits("a:XZ b:Z"), 10)
    later = Known.of(known.payments.of(known.payments.provider == 1), 10, ())
    assert later.payments.providers == ["Z"]
    assert later.paid.tolist() == [1]
    assert later.payments.provider.tolist() == [0, 0]


def test_first_payments_are_new_pairs_of_known_clients() -> None:
    known = Known.before(STREAM, 10)
    # b pays X and, whom nobody has paid before, Z; Y is a repetition, c had no history
    found = first_payments(known, STREAM, 16)
    assert (found.client.tolist(), found.provider.tolist()) == ([1, 1], [0, -1])
    assert found.clients().tolist() == [1]
    assert len(first_payments(known, STREAM, 12)) == 0
    without = first_payments(Known.before(STREAM, 10, ["X"]), STREAM, 16)
    assert without.provider.tolist() == [-1]
    assert len(first_payments(Known.before(STREAM, 10, ["X", "Z"]), STREAM, 16)) == 0


def test_masked_pairs_lose_all_their_payments() -> None:
    known = Known.before(STREAM, 20)
    rest, targets = masked(known, 0.5, seed=7)
    hidden = np.random.default_rng(7).random(6) < 0.5
    assert hidden.tolist() == [False, False, False, True, True, False]  # b pays Y and Z
    assert len(rest.payments) == 7
    assert rest.payments.providers == ["X", "Y"]
    assert rest.pairs.count.tolist() == [2, 1, 2, 1]
    assert targets.client.tolist() == [1, 1]
    assert targets.provider.tolist() == [1, -1]  # nobody else pays Z
