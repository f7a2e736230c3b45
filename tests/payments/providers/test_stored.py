from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from src.payments.providers import stored
from src.payments.providers.factors import Factors
from src.payments.providers.known import Matrix
from src.payments.providers.popularity import GroupPopularity, Popularity


@dataclass(frozen=True)
class Everything:
    models: dict[str, object]
    nothing: None
    names: tuple[str, ...]
    share: float


def test_what_is_stored_is_the_same_again(tmp_path: Path) -> None:
    scores = Matrix(np.array([[0, 2, 0], [1, 0, 3]], dtype=np.float32))
    in_order = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    models = {
        "../odd name": Factors(in_order, in_order, np.ones(2, dtype=np.float32)),
        "of groups": GroupPopularity(np.array([1, 0]), scores, np.zeros(3, dtype=np.float32)),
    }
    folder = tmp_path / "record"
    folder.mkdir()
    stored.save(Everything(models, None, ("a", "b"), 0.1), folder)
    assert list(tmp_path.iterdir()) == [folder]  # a name is no path
    found = stored.load(folder, [Everything, Factors, GroupPopularity])
    assert (found.nothing, found.names, found.share) == (None, ("a", "b"), 0.1)
    factors, of_groups = found.models.values()
    assert list(found.models) == list(models)
    assert isinstance(factors.clients, np.memmap)  # read where it lies
    assert factors.clients.flags.f_contiguous
    assert factors.clients.tolist() == in_order.tolist()
    assert of_groups.score(np.array([0])).tolist() == [[1, 0, 3]]
    assert of_groups.scores.data.dtype == np.float32


def test_what_cannot_be_stored_is_said(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="record-0 is of list, which cannot be stored"):
        stored.save(Popularity([1.0]), tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        stored.save(Popularity(np.array([{}])), tmp_path)
