import numpy as np
import pytest

from src.payments.providers import candidates as module
from src.payments.providers.candidates import Candidates, candidates
from src.payments.providers.known import Known
from src.payments.providers.popularity import Popularity
from src.payments.providers.ranking import NEVER
from tests.payments.providers.toy import visits

KNOWN = Known.before(visits("a:X b:XY c:ZVW"), 10, ["W"])  # providers V, W, X, Y, Z
MODELS = {
    "up": Popularity(np.array([1, 2, 3, 4, 5], dtype=np.float32)),
    "down": Popularity(np.array([5, 4, 3, 2, 1], dtype=np.float32)),
}


@pytest.mark.parametrize("cells", [1, 1000])  # client by client, and all at once
def test_the_union_of_what_models_rank_first(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", cells)
    found = candidates(MODELS, KNOWN.matrix(), KNOWN.barred(), np.array([0, 2]), per_model=2)
    assert found.models == ("up", "down")
    # W is barred; a has paid X, c has paid V, W and Z
    assert found.client.tolist() == [0, 0, 0, 2, 2]
    assert found.provider.tolist() == [0, 3, 4, 2, 3]
    assert found.scores.tolist() == [[1, 5], [4, 2], [5, 1], [3, 3], [4, 2]]
    assert found.ranks.tolist() == [[0, 1], [2, 2], [1, 0], [2, 1], [1, 2]]


def test_each_model_alone() -> None:
    found = candidates(MODELS, KNOWN.matrix(), KNOWN.barred(), np.array([0, 2]), per_model=2)
    assert found.by_model("up").tolist() == [NEVER, -2, -1, -2, -1]
    assert found.ranking(found.by_model("up"), 3).tolist() == [[4, 3, -1], [3, 2, -1]]
    alone = found.of_models(["up"])
    assert alone.models == ("up",)
    assert alone.provider.tolist() == [3, 4, 2, 3]
    assert alone.scores.tolist() == [[4], [5], [3], [4]]
    assert alone.ranks.tolist() == [[2], [1], [2], [1]]


def test_rankings_of_scores_break_ties_and_leave_out_what_is_impossible() -> None:
    found = candidates(MODELS, KNOWN.matrix(), KNOWN.barred(), np.array([0, 2]), per_model=2)
    scores = np.array([1, 1, 2, 0, 0], dtype=np.float32)
    assert found.ranking(scores, 2).tolist() == [[4, 0], [2, 3]]
    impossible = np.array([False, False, True, True, True])
    assert found.ranking(scores, 2, impossible).tolist() == [[0, 3], [-1, -1]]


def test_nobody_has_no_candidates() -> None:
    found = candidates(
        MODELS, KNOWN.matrix(), KNOWN.barred(), np.zeros(0, dtype=np.int64), per_model=2
    )
    assert isinstance(found, Candidates)
    assert len(found) == 0
    assert found.ranking(found.by_model("up"), 2).shape == (0, 2)
