import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from prometheus_client import CollectorRegistry

from src.service.monitoring import drift
from src.service.monitoring.drift import Drift, RecentRequests
from src.service.monitoring.drift_reference import Bins, Reference, first_offers
from tests.service.bank import Service, Start


def counts(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def customers(ages: list[float], segments: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"age": ages, "segment": pd.Categorical(segments)})


@pytest.fixture
def reference() -> Reference:
    """Ten customers, one of each decade, half of them private; product 0 is offered first."""
    profiles = customers([5.0 + 10 * decade for decade in range(10)], ["private", "student"] * 5)
    return Reference.of(profiles, np.array([0] * 6 + [1] * 3 + [-1], dtype=np.int16), products=3)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(drift, "monotonic", lambda: now[0])
    return now


class TestBins:
    def test_deciles_and_frequent_categories(self) -> None:
        profiles = customers(
            [float(age) for age in range(101)], ["a"] * 60 + ["b"] * 39 + ["c"] * 2
        )
        bins = Bins.fit(profiles)  # c: 2 of 101 is rarer than 2 %
        assert bins == Bins(
            {"age": [10, 20, 30, 40, 50, 60, 70, 80, 90]}, {"segment": {"a": 0, "b": 1}}
        )
        assert bins.sizes == {"age": 10, "segment": 3}

    def test_codes_of_many_and_of_one_are_the_same(self) -> None:
        bins = Bins({"age": [10, 20]}, {"segment": {"a": 0, "b": 1}})
        profiles = customers([-1e9, 10, 19.9, 20, 1e9], ["a", "b", "never seen", "b", "a"])
        codes = bins.codes(profiles)
        assert codes.tolist() == [[0, 0], [1, 1], [1, 2], [2, 1], [2, 0]]
        for row, (age, segment) in enumerate(zip(profiles.age, profiles.segment, strict=True)):
            one = bins.codes_of({"age": age, "segment": segment})
            assert one.tolist() == codes[row].tolist()

    def test_a_number_that_is_always_the_same_has_a_bin_of_its_own(self) -> None:
        bins = Bins.fit(pd.DataFrame({"income": [7.0] * 20}))
        assert bins.edges == {"income": [7.0]}
        assert [bins.codes_of({"income": value})[0] for value in (6.0, 7.0, 8.0)] == [0, 1, 1]


def test_reference_counts_profiles_and_offers(reference: Reference) -> None:
    assert [counted.tolist() for counted in reference.profiles] == [[1] * 10, [5, 5, 0]]
    assert reference.offers.tolist() == [6, 3, 0]


def test_first_offers_pass_over_what_rules_forbid() -> None:
    items = np.array([[4, 2, 1], [4, 2, 1], [2, 1, -1], [-1, -1, -1]], dtype=np.int16)
    rules = {0: {}, 1: {4: "minors"}, 2: {1: "adults", 2: "adults", 4: "adults"}}
    first = first_offers(items, np.array([0, 1, 2, 0]), lambda bits: rules[bits])
    assert first.tolist() == [4, 2, -1, -1]


class TestWindow:
    def test_measures_the_last_requests_only(self) -> None:
        window = RecentRequests([counts(1, 1)], requests=4, seconds=100)
        for bins in ([1], [1], [1], [0], [0], [1], [0]):
            window.add(bins, now=0)
        # the last four: 0, 0, 1, 0
        expected = 0.25 * math.log(1.5) - 0.25 * math.log(0.5)
        requests, (measured,) = window.measure(now=0)
        assert requests == 4
        assert measured == pytest.approx(expected)

    def test_forgets_what_is_too_old(self) -> None:
        window = RecentRequests([counts(1, 1)], requests=4, seconds=10)
        window.add([1], now=0)
        window.add([1], now=1)
        window.add([0], now=6)
        assert [window.measure(now)[0] for now in (10, 10.5, 16, 17)] == [3, 2, 1, 0]
        assert window.measure(17) == (0, [])

    def test_features_are_measured_one_by_one(self) -> None:
        window = RecentRequests([counts(1, 1), counts(1, 1, 2)], requests=10, seconds=10)
        for bins in ([0, 0], [1, 2], [0, 1], [1, 2]):
            window.add(bins, now=0)
        assert window.measure(0) == (4, [0, 0])


class TestDrift:
    @pytest.fixture
    def registry(self) -> CollectorRegistry:
        return CollectorRegistry()

    @pytest.fixture
    def watched(self, registry: CollectorRegistry, reference: Reference) -> Drift:
        watched = Drift(registry, requests=10, seconds=60, least=10)
        watched.use(reference)
        return watched

    def values(self, registry: CollectorRegistry) -> dict[str, float]:
        return {
            " ".join([sample.name.removeprefix("nextbest_"), *sample.labels.values()]): sample.value
            for family in registry.collect()
            for sample in family.samples
        }

    @pytest.mark.usefixtures("clock")
    def test_too_few_requests_tell_nothing(
        self, registry: CollectorRegistry, watched: Drift, reference: Reference
    ) -> None:
        for row in range(9):
            watched.count(reference, reference.codes[row], [0])
        assert self.values(registry) == {"drift_window features": 9, "drift_window offers": 9}

    def test_fires_and_clears_with_the_requests(
        self,
        clock: list[float],
        registry: CollectorRegistry,
        watched: Drift,
        reference: Reference,
    ) -> None:
        young = reference.bins.codes_of({"age": 6.0, "segment": "private"})
        for _ in range(10):
            watched.count(reference, young, [2, 0])
        drifted = self.values(registry)
        # one decade instead of all: 0.9 ln(1 / 0.1) + 9 · (0.001 - 0.1) ln(0.001 / 0.1)
        age = 0.9 * math.log(10) + 9 * 0.099 * math.log(100)
        segment = 0.5 * math.log(2) + 0.499 * math.log(500)
        offers = 0.999 * math.log(1000)
        offers += (2 / 3 - 0.001) * math.log(2000 / 3) + (1 / 3 - 0.001) * math.log(1000 / 3)
        assert drifted == {
            "feature_psi age": pytest.approx(age),
            "feature_psi segment": pytest.approx(segment),
            "offer_psi": pytest.approx(offers),
            "drift_window features": 10,
            "drift_window offers": 10,
        }
        for row in range(10):
            watched.count(reference, reference.codes[row], [0 if row < 6 else 1])
        assert self.values(registry)["feature_psi age"] == 0
        assert self.values(registry)["feature_psi segment"] == 0
        assert self.values(registry)["offer_psi"] < 0.02
        clock[0] = 61
        assert self.values(registry) == {"drift_window features": 0, "drift_window offers": 0}

    @pytest.mark.usefixtures("clock")
    def test_strangers_and_empty_answers_are_left_out(
        self, registry: CollectorRegistry, watched: Drift, reference: Reference
    ) -> None:
        watched.count(reference, None, [1])
        watched.count(reference, reference.codes[0], [])
        assert self.values(registry) == {"drift_window features": 1, "drift_window offers": 1}

    @pytest.mark.usefixtures("clock")
    def test_another_reference_begins_anew(
        self, registry: CollectorRegistry, watched: Drift, reference: Reference
    ) -> None:
        for row in range(10):
            watched.count(reference, reference.codes[row], [0])
        watched.use(replace(reference))
        watched.count(reference, reference.codes[0], [0])  # was begun before
        assert self.values(registry) == {"drift_window features": 0, "drift_window offers": 0}

    def test_tells_nothing_before_there_is_a_reference(self, registry: CollectorRegistry) -> None:
        Drift(registry, requests=10, seconds=60, least=1)
        assert self.values(registry) == {}


class TestService:
    @pytest.fixture
    def watched(self, start: Start) -> Service:
        return start(drift_least=1)

    def value(self, service: Service, name: str, **labels: str) -> float | None:
        registry: CollectorRegistry = service.app.state.process.monitoring.registry
        return registry.get_sample_value(f"nextbest_{name}", labels)

    def windows(self, service: Service) -> list[float | None]:
        return [self.value(service, "drift_window", of=of) for of in ("features", "offers")]

    def test_counts_profiles_that_are_known_or_given(self, watched: Service) -> None:
        assert self.value(watched, "feature_psi", feature="age") is None
        full = {"profile": {"age": 30}, "holdings": ["card"]}
        for body in ({"customer": 1}, full, {"customer": 2, "holdings": []}):
            assert watched.ask(body).json()["source"] == "personal"
        assert self.windows(watched) == [3, 3]
        value = self.value(watched, "feature_psi", feature="age")
        assert value is not None
        assert value > 0

    def test_strangers_count_as_what_they_tell(self, watched: Service) -> None:
        for body in ({"customer": 10**9}, {"customer": 8}, {"profile": {"age": 30}}):
            assert watched.ask(body).json()["source"] != "personal"
        assert self.windows(watched) == [1, 0]
        assert watched.ask({"holdings": ["card"]}).json()["source"] == "personal"
        assert self.windows(watched) == [1, 1]

    def test_who_is_offered_nothing_counts_as_a_profile_only(self, watched: Service) -> None:
        assert watched.ask({"customer": 7}).json()["recommendations"] == []  # deceased
        assert self.windows(watched) == [1, 0]

    def test_all_customers_once_are_no_drift(self, start: Start) -> None:
        watched = start(drift_least=1, rate_burst=1000)
        for customer in range(1, 121):
            watched.ask({"customer": customer})
        assert self.windows(watched)[0] == 119  # one has left
        for feature in ("age", "tenure", "income", "segment", "province"):
            assert self.value(watched, "feature_psi", feature=feature) == 0
        offers = self.value(watched, "offer_psi")
        assert offers is not None
        assert offers < 0.01

    def test_a_reload_begins_anew(self, watched: Service) -> None:
        watched.ask({"customer": 1})
        answer = watched.client.post(
            "/load_recommendations", json={"kind": "personal"}, headers=watched.as_("admin")
        )
        assert answer.status_code == 200
        assert self.windows(watched) == [0, 0]

    def test_products_have_titles(self, watched: Service) -> None:
        assert self.value(watched, "product", product="loan", title="Loan") == 1
