import json

import numpy as np
import pandas as pd

from src.models.encoding import Encoder

PROFILE = pd.DataFrame(
    {
        "segment": pd.Categorical(["b", "c", "b", "a", "c", "d"], categories=[*"zdcba"]),
        "age": [20.0, 30.0, 40.0, 50.0, 60.0, 70.0],
        "sex": pd.Categorical(["V", "H", "V", "V", "H", "V"]),
        "income_missing": [0.0, 1.0, 0.0, 0.0, 1.0, 0.0],
    }
)


def test_codes_are_ranks_by_frequency_and_ties_go_by_name() -> None:
    encoder = Encoder.fit(PROFILE)
    # b and c twice, a and d once; z is a category of the column, but nobody has it
    assert encoder == Encoder(
        ("age", "income_missing"), {"segment": ("b", "c", "a", "d"), "sex": ("V", "H")}
    )
    assert encoder.names == ["age", "income_missing", "segment", "sex"]
    encoded = encoder.transform(PROFILE)
    assert encoded.tolist() == [
        [20, 0, 0, 0],
        [30, 1, 1, 1],
        [40, 0, 0, 0],
        [50, 0, 2, 0],
        [60, 1, 1, 1],
        [70, 0, 3, 0],
    ]
    assert encoded.dtype == np.float32
    assert encoded.flags.f_contiguous


def test_unseen_and_missing_categories_are_minus_one() -> None:
    encoder = Encoder.fit(PROFILE)
    later = pd.DataFrame(
        {
            "sex": pd.Categorical(["V", None, "X"]),
            "segment": pd.Categorical(["z", "a", None]),
            "age": [1.0, 2.0, 3.0],
            "income_missing": [0.0, 0.0, 0.0],
            "unknown_column": [9.0, 9.0, 9.0],
        }
    )
    assert encoder.transform(later).tolist() == [[1, 0, -1, 0], [2, 0, 2, -1], [3, 0, -1, -1]]


def test_json_restores_the_encoder() -> None:
    encoder = Encoder.fit(PROFILE)
    assert Encoder.from_json(encoder.to_json()) == encoder
    assert json.loads(encoder.to_json()) == {
        "numeric": ["age", "income_missing"],
        "categories": {"segment": ["b", "c", "a", "d"], "sex": ["V", "H"]},
    }
