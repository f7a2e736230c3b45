import datetime

import pandas as pd
import pytest

from src.payments.analysis import findings
from src.payments.analysis.findings import Tail


def stream(payments: list[int], interrupted: tuple[int, ...] = ()) -> pd.DataFrame:
    """A table of days from Monday, 6 January 2025, on."""
    first = datetime.date(2025, 1, 6)
    return pd.DataFrame(
        {
            "date": [first + datetime.timedelta(days=place) for place in range(len(payments))],
            "payments": payments,
            "without_provider": 0,
            "interrupted": [place in interrupted for place in range(len(payments))],
        }
    )


@pytest.mark.parametrize(
    ("payments", "interrupted", "said"),
    [
        ([4, 2000, 6], (), "670 payments on a mean day, 2,000 on the busiest (7 January 2025); "
         "no day of 3 is without"),
        ([3, 0, 6], (), "3 payments on a mean day, 6 on the busiest (8 January 2025); 1 of 3 days "
         "is without"),
        ([9, 0, 9, *[0] * 7, 6], range(3, 10), "6 payments on a mean day, 9 on the busiest "
         "(6 January 2025); 8 of 11 days are without, 7 of them in 1 interruption of 7 days or "
         "more"),
    ],
)  # fmt: skip
def test_stream(payments: list[int], interrupted: tuple[int, ...], said: str) -> None:
    assert findings.stream(stream(payments, tuple(interrupted))) == said


def test_interruptions_are_runs_of_days() -> None:
    assert findings.interruptions(stream([0] * 9, (1, 2, 5, 8))) == [(1, 2), (5, 5), (8, 8)]
    assert findings.interruptions(stream([1])) == []


def test_calendar_leaves_interruptions_out() -> None:
    # Mondays 6 and 14, Tuesdays 5 and 3, a Wednesday of 2: 30 / 5 = 6 on a mean day
    days = stream([6, 5, 2, 0, 0, 0, 0, 14, 3], (3, 4, 5, 6))
    assert findings.by_weekday(days).to_dict() == pytest.approx({0: 10 / 6, 1: 4 / 6, 2: 2 / 6})
    assert findings.by_day_of_month(days).to_dict() == pytest.approx(
        {6: 1, 7: 5 / 6, 8: 2 / 6, 13: 14 / 6, 14: 3 / 6}
    )
    assert findings.calendar(days) == (
        "Most is paid on Mondays (1.67 times a mean day), least on Wednesdays (0.33); by day of "
        "the month, most on the 13th (2.33), least on the 8th (0.33)"
    )


def test_a_tail_by_hand() -> None:
    # 1 provider of 6 payments, 2 of 2, 1 of 0: 6, 8, 10, 10 of 10
    tail = Tail.of(pd.Series([6, 2, 0]), pd.Series([1, 2, 1]))
    assert [tail.share(members) for members in range(5)] == [0, 0.6, 0.8, 1, 1]
    assert [tail.covering(share) for share in (0.5, 0.6, 0.61, 0.8, 0.81)] == [1, 1, 2, 2, 3]
    assert [tail.largest(share) for share in (0.01, 0.25, 0.5)] == [1, 1, 2]
    # sum over pairs of |difference| / (2 * 4^2 * mean of 2.5): 2 * (4 + 4 + 6 + 0 + 2 + 2) / 80
    assert tail.gini() == pytest.approx(36 / 80)


def test_equal_members_have_no_gini() -> None:
    assert Tail.of(pd.Series([3]), pd.Series([7])).gini() == pytest.approx(0)


def test_popularity() -> None:
    table = pd.DataFrame({"payments": [500, 100, 1], "providers": [1, 9, 190]})
    # 500 + 900 + 190 = 1,590: 600 by 2, 1,400 + 10 by 20, and 1,272 by 8.72. Gini:
    # (0.005 * 500 + 0.045 * (500 + 1,400) + 0.95 * (1,400 + 1,590)) / 1,590 - 1
    assert findings.popularity(table) == (
        "Of 200 providers, the 2 most popular (1.0%) receive 38% of the payments, the 20 most "
        "popular (10%) 89%; 9 cover 80%; Gini 0.84"
    )


PAIRS = pd.DataFrame({"visits": [1, 2, 9], "pairs": [30, 20, 50], "early": [5, 15, 20]})
GAPS = pd.DataFrame({"days": [6, 7, 8, 25, 30, 31, 34], "gaps": [10, 60, 20, 4, 9, 3, 4]})


def test_gaps_of_weeks_and_months() -> None:
    # 60 / mean(10, 20); mean(9, 3) / mean(4, 0, 0, 4)
    assert findings.gaps(PAIRS, GAPS) == (
        "30% of the pairs of client and provider are paid on one day only, the others again after "
        "7 days (median gap); gaps of 7 days are 4.0 times as frequent as those of 6 or 8; gaps of "
        "30 or 31 days 3.0 times as those of 25, 26, 33 or 34"
    )
    assert findings.gaps(PAIRS, pd.DataFrame({"days": [1, 7], "gaps": [1, 0]})) == (
        "30% of the pairs of client and provider are paid on one day only, the others again after "
        "1 day (median gap)"
    )
    assert findings.gaps(PAIRS.head(1), GAPS.head(0)) == (
        "100% of the pairs of client and provider are paid on one day only"
    )


def test_pairs_that_had_time() -> None:
    assert findings.early_once(PAIRS) == (
        "Of the pairs begun at least 90 days before the last day, 12% are paid on one day only"
    )
    assert findings.early_once(PAIRS.assign(early=0)) == (
        "No pair was begun 90 days before the last day"
    )


MONTHS = pd.DataFrame(
    {
        "month": [datetime.date(2024, month, 1) for month in (11, 12)],
        "visits": [100, 200],
        "new": [90, 40],
        "nobody": [80, 10],
        "judged": [False, True],
    }
)


def test_only_months_that_can_be_judged_count() -> None:
    assert findings.novelty(MONTHS) == (
        "In the 1 month that can be judged, 20% of the payments go to a provider that the client "
        "had not paid before; 25% of these go to providers that nobody had paid before"
    )
    assert findings.novelty(MONTHS.assign(judged=True)) == (
        "In the 2 months that can be judged, 43% of the payments go to a provider that the client "
        "had not paid before; 69% of these go to providers that nobody had paid before"
    )
    assert findings.novelty(MONTHS.assign(new=0, nobody=0)) == (
        "In the 1 month that can be judged, 0% of the payments go to a provider that the client "
        "had not paid before"
    )
    assert findings.novelty(MONTHS.head(1)) == (
        "What is new cannot be told from what is repeated: no month has 183 days of payments "
        "without interruption before it"
    )


CONCENTRATION = pd.DataFrame(
    [
        ("federal", 0.1, 10, 700, 0.12),
        ("between", 0.5, 20, 100, 0.53),
        ("regional", 0.8, 30, 150, 0.81),
        ("regional", 0.95, 40, 50, 0.99),
    ],
    columns=["kind", "herfindahl", "providers", "payments", "mean"],
)


def test_concentration() -> None:
    assert findings.concentration(CONCENTRATION) == (
        "Of 100 providers with 10 clients or more, 70% are regional (Herfindahl index of 0.8 or "
        "more) and receive 20% of their payments; 10% are federal (below 0.3) and receive 70%"
    )
    assert findings.concentration(CONCENTRATION.tail(2)) == (
        "Of 70 providers with 10 clients or more, 100% are regional (Herfindahl index of 0.8 or "
        "more) and receive 100% of their payments; 0% are federal (below 0.3) and receive 0%"
    )


PLACES = pd.DataFrame(
    [
        ("east", "east", 60),
        ("east", "west", 10),
        ("east", None, 30),
        ("west", "east", 40),
        ("west", "west", 40),
        ("west", None, 20),
        ("islet", "east", 29),  # too few to be named
    ],
    columns=["region", "home", "payments"],
)


def test_where_payments_go() -> None:
    assert findings.destinations(PLACES).to_dict("index") == {
        "east": {"own": 0.6, "federal": 0.3, "elsewhere": 0.1},
        "islet": {"own": 0, "federal": 0, "elsewhere": 1},
        "west": {"own": 0.4, "federal": 0.2, "elsewhere": 0.4},
    }
    # 100, 50 and 79 of 229
    assert findings.where(PLACES) == (
        "Of the payments, 44% stay in the client's region, 22% go to federal providers and 34% to "
        "other regions (clients of region west: 40%, the most)"
    )
    assert findings.where(PLACES.head(3)) == (
        "Of the payments, 60% stay in the client's region, 30% go to federal providers and 10% to "
        "other regions"
    )


def test_one_region_tells_nothing() -> None:
    assert findings.one_region(PLACES) is None
    assert findings.one_region(PLACES.head(0)) is None
    assert findings.one_region(PLACES.head(3)) == (
        "All clients are in one region, 'east': nothing to tell apart."
    )


CLIENTS = pd.DataFrame(
    [("payments", 1, 6), ("payments", 2, 3), ("payments", 12, 1), ("providers", 0, 4),
     ("providers", 1, 4), ("providers", 3, 2)],
    columns=["of", "size", "clients"],
)  # fmt: skip


def test_clients() -> None:
    assert findings.clients(CLIENTS) == (
        "Half of the 10 clients made 1 payment or fewer and paid 1 provider or fewer; the busiest "
        "tenth made 50% of all payments"
    )


@pytest.mark.parametrize(
    ("day", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (22, "22nd"),
     (30, "30th"), (31, "31st")],
)  # fmt: skip
def test_ordinal(day: int, text: str) -> None:
    assert findings.ordinal(day) == text
