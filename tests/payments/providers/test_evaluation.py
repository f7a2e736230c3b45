import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from src.errors import InputError
from src.payments.providers import evaluation
from src.payments.providers.evaluation import found, learn, rolling_origins, validations
from src.payments.providers.known import Known, first_payments
from src.payments.providers.offering import Clients, Offering, offers
from src.payments.providers.windows import window
from src.payments.schema import PARAMS
from tests.payments.providers.toy import DEFAULTS, SETTINGS, STREAM, changed, targets

CLIENTS = np.array([2, 5, 7, 9])
# 2 wants providers 4 and 6, 5 wants 1 and one that nobody has paid, 7 only such a one, 9 wants 4.
TARGETS = targets((2, 4), (2, 6), (5, 1), (5, -1), (7, -1), (9, 4))
GOOD = np.array([[6, 3, 4], [0, 1, -1], [4, 1, 6], [4, -1, -1]], dtype=np.int32)
POOR = np.array([[0, 1, 2]] * 4, dtype=np.int32)


def test_what_lists_find_by_hand() -> None:
    result = found(GOOD, CLIENTS, TARGETS)
    assert result.hits.tolist() == [
        [True, False, True],
        [False, True, False],
        [True, False, False],
    ]
    assert result.wanted.tolist() == [2, 2, 1]
    assert result.reachable.tolist() == [2, 1, 1]
    assert result.everybody == 4
    assert result.hit(1).tolist() == [1, 0, 1]
    assert result.hit(2).tolist() == [1, 1, 1]
    assert result.average_precision(3).tolist() == pytest.approx(
        [1 / 2 * (1 / 1 + 2 / 3), 1 / 2, 1 / 1]
    )
    assert result.average_precision(1).tolist() == [1, 0, 1]
    assert result.recall(3).tolist() == [1, 1, 1]
    assert result.recall(1).tolist() == [1 / 2, 0, 1]
    assert result.recall_all(3).tolist() == [1, 1 / 2, 1]


def test_the_table_by_hand() -> None:
    rows = evaluation.table({"popularity": POOR, "good": GOOD}, CLIENTS, TARGETS, 8, 200, 7)
    assert rows["model"].tolist() == ["popularity", "good"]
    poor, good = rows.to_dict("records")
    assert good["hit@1"] == pytest.approx(2 / 3)
    assert good["hit@5"] == good["hit@10"] == good["recall@10"] == 1
    assert good["map@10"] == pytest.approx((1 / 2 * (1 + 2 / 3) + 1 / 2 + 1) / 3)
    assert good["recall_all@10"] == pytest.approx((1 + 1 / 2 + 0 + 1) / 4)
    assert good["coverage@10"] == 5 / 8  # 0, 1, 3, 4, 6
    assert good["map@10_lo"] < good["map@10"] < good["map@10_hi"]
    assert poor["map@10"] == pytest.approx(1 / 2 / 3)  # 5 finds 1 at rank 2
    assert good["map_gain"] == pytest.approx(good["map@10"] - poor["map@10"])
    assert poor["map_gain"] == 0
    assert [poor["against_popularity"], good["against_popularity"]] == [
        "no difference shown",
        "no difference shown",  # 5 gains nothing, and may be drawn alone
    ]


def test_who_wins_is_said() -> None:
    clients = np.arange(40)
    wanted = targets(*[(client, 1) for client in range(40)])
    right, wrong = (np.full((40, 1), provider, dtype=np.int32) for provider in (1, 0))
    rows = evaluation.table({"popularity": right, "lost": wrong}, clients, wanted, 2, 100, 7)
    assert rows["against_popularity"].tolist() == ["no difference shown", "worse"]
    rows = evaluation.table({"popularity": wrong, "won": right}, clients, wanted, 2, 100, 7)
    assert rows["against_popularity"].tolist() == ["no difference shown", "better"]
    assert rows["map_gain"].tolist() == [0, 1]


def test_rolling_origins(tmp_path: Path) -> None:
    origins = list(rolling_origins(STREAM, 180, SETTINGS))
    assert [origin.window.known.cut_off for origin in origins] == [160, 180]
    names = [name for name in SETTINGS.compared if name != "unit"]  # the stream has no units
    last = origins[-1]
    rows = last.table(SETTINGS)
    assert rows["model"].tolist() == [*names, "second_stage"]
    by_model = rows.set_index("model")["hit@10"]
    assert by_model["second_stage"] >= by_model["popularity"]

    # the same second stage is learnt alone, and ranks the same
    alone = learn(STREAM, 180, SETTINGS)
    known = Known.before(STREAM, 180)
    clients = first_payments(known, STREAM, 200).clients()
    offering = Offering.of(known, alone, SETTINGS)
    offered = offers(offering, Clients(clients))["offers"]
    impossible = last.own.impossible(SETTINGS.regions)
    chosen, place = last.own.candidates.best(last.scores, 10, impossible)
    expected = {
        "client": last.own.candidates.client[chosen],
        "provider": last.own.candidates.provider[chosen],
        "place": place.astype("i4") + 1,
        "score": last.scores[chosen],
    }
    assert offered.equals(pa.table(expected))

    # and so it does when it is saved and loaded, part by part
    offering.save(tmp_path)
    again = Offering.load(tmp_path)
    halves = [Clients.from_arrow(Clients(half).to_arrow()) for half in np.array_split(clients, 2)]
    parts = [offers(again, half)["offers"] for half in halves]
    assert pa.concat_tables(parts).combine_chunks().equals(offered.combine_chunks())


@pytest.mark.parametrize("names", [(), ("unit", "category")])
def test_offers_of_payments_without_regions(names: tuple[str, ...], tmp_path: Path) -> None:
    attributes = dict.fromkeys(names, STREAM.attributes["region"])
    stream = replace(STREAM, attributes=attributes)
    known = Known.before(stream, 180)
    offering = Offering.of(known, learn(stream, 180, SETTINGS), SETTINGS)
    clients = np.unique(known.pairs.client)
    offered = offers(offering, Clients(clients))["offers"]
    client, provider = offered["client"].to_numpy(), offered["provider"].to_numpy()
    assert np.unique(client).tolist() == clients.tolist()
    assert not known.matrix().toarray()[client, provider].any()  # nothing that is no news
    offering.save(tmp_path)
    assert offers(Offering.load(tmp_path), Clients(clients))["offers"].equals(offered)
    assert offers(offering, Clients(clients[:0]))["offers"].schema == offered.schema


def test_the_second_stage_has_seen_nothing_of_its_window() -> None:
    later = STREAM.provider.copy()
    later[STREAM.day >= 180] = later[STREAM.day >= 180][::-1]
    changed = type(STREAM)(**{**vars(STREAM), "provider": later})
    features = np.random.default_rng(7).random((50, len(learn(STREAM, 180, SETTINGS).names)))
    scores = [learn(one, 180, SETTINGS).score(features.astype("f4")) for one in (STREAM, changed)]
    assert scores[0].tobytes() == scores[1].tobytes()


def test_the_regional_filter_leaves_out_what_is_impossible() -> None:
    (origin,) = rolling_origins(STREAM, 180, SETTINGS.model_copy(update={"origins": 1}))
    rows = origin.filtered(SETTINGS).set_index("model")
    assert (rows["impossible_after"] == 0).all()
    popular = rows.loc["popularity"]
    # every provider is paid in one region only, and popularity knows nothing of it
    barred = origin.window.regions
    assert barred is not None
    assert popular["recommendations"] == 10 * len(origin.window.candidates.clients)
    assert popular["impossible"] > popular["recommendations"] / 2
    assert popular["hit@10_after"] >= popular["hit@10"]
    assert popular["hit_change"] == pytest.approx(popular["hit@10_after"] - popular["hit@10"])


def test_resamples_of_an_origin_are_those_of_its_intervals() -> None:
    (origin,) = rolling_origins(STREAM, 180, SETTINGS.model_copy(update={"origins": 1}))
    table = origin.table(SETTINGS).set_index("model")
    resamples = origin.resamples(SETTINGS)
    assert list(resamples) == ["targets", *table.index]
    assert len(resamples) == 1 + SETTINGS.resamples
    reachable = origin.window.targets.provider >= 0
    clients = np.unique(origin.window.targets.client[reachable])
    assert resamples["targets"][0] == pytest.approx(reachable.sum() / len(clients))
    for name in table.index:
        low, high = np.quantile(resamples[name][1:], [0.025, 0.975])
        assert resamples[name][0] == pytest.approx(table.loc[name, "map@10"])
        assert (low, high) == pytest.approx(tuple(table.loc[name, ["map@10_lo", "map@10_hi"]]))


def test_both_validations() -> None:
    (origin,) = rolling_origins(STREAM, 180, SETTINGS.model_copy(update={"origins": 1}))
    rows = validations(origin.window, STREAM, SETTINGS)
    names = [name for name in SETTINGS.compared if name != "unit"]
    assert rows["model"].tolist() == [*names, *names]
    assert rows["validation"].tolist() == ["masked"] * len(names) + ["out_of_time"] * len(names)
    out_of_time = rows[rows["validation"] == "out_of_time"].drop(columns="validation")
    expected = origin.table(SETTINGS).iloc[: len(names)]
    assert out_of_time.reset_index(drop=True).equals(expected)
    assert not math.isnan(rows["map@10"].sum())


def test_too_few_days() -> None:
    with pytest.raises(InputError, match=r"no payment .* is earlier than 1969-12-22: choose a lat"):
        list(rolling_origins(STREAM, 50, SETTINGS))


def test_nothing_comes_true() -> None:
    with pytest.raises(InputError, match=r"from 1970-10-28 on no client pays .* first time"):
        window(STREAM, 300, SETTINGS, ["popularity"])


def test_models_of_the_second_stage_must_exist() -> None:
    stage = changed(DEFAULTS.second_stage, models=["als", "magic"])
    sentence = f"examples in {PARAMS} names magic; known models are popularity,"
    with pytest.raises(InputError, match=sentence):
        evaluation.check(SETTINGS.model_copy(update={"second_stage": stage}))
    few = SETTINGS.model_copy(update={"compared": ["als", "popularity"]})
    with pytest.raises(
        InputError, match=r"examples.compared in pipelines/payments/params.yaml lacks .*item_knn"
    ):
        evaluation.check(few)
    evaluation.check(SETTINGS)


def test_lists_are_no_longer_than_the_candidates() -> None:
    with pytest.raises(InputError, match=r"k = 11 are longer .* second_stage.per_model = 10"):
        evaluation.check(SETTINGS.model_copy(update={"k": 11}))
