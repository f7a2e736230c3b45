from typing import Any

import pytest
from pydantic import ValidationError

from src.products.schema import Schema
from src.tables.columns import Column

TITLE = {"en": "Card", "ru": "Карта"}


def mapping(**changes: Any) -> dict[str, Any]:
    usual = {
        "id": "ncodpers",
        "month": "fecha_dato",
        "numeric": {"age": "age", "tenure": "antiguedad"},
        "categorical": {"segment": "segmento"},
        "products": {"card": TITLE, "loan": TITLE},
    }
    return {**usual, **changes}


def test_columns_of_the_raw_file() -> None:
    schema = Schema.model_validate(mapping())
    assert schema.columns == [
        Column("ncodpers", "customer", "integer id"),
        Column("fecha_dato", "month", "date"),
        Column("age", "age", "number"),
        Column("antiguedad", "tenure", "number"),
        Column("segmento", "segment", "category"),
        Column("card", "card", "flag"),
        Column("loan", "loan", "flag"),
    ]
    texts = Schema.model_validate(mapping(id_type="string"))
    assert texts.columns[0] == Column("ncodpers", "customer", "text id")


@pytest.mark.parametrize(
    ("numeric", "clean"),
    [
        ({"age": "age", "tenure": "antiguedad"}, ["age", "tenure"]),
        ({"income": "renta", "age": "age"}, ["income", "age", "income_missing"]),
        ({}, []),
    ],
)
def test_columns_of_a_clean_profile(numeric: dict[str, str], clean: list[str]) -> None:
    schema = Schema.model_validate(mapping(numeric=numeric))
    assert schema.profile == [*numeric, "segment"]
    assert schema.clean_numeric == clean


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"categorical": {"segment": "age"}},
            "column age is mapped on more than one meaning",
        ),
        ({"id": "fecha_dato"}, "column fecha_dato is mapped on more than one meaning"),
        (
            {"categorical": {"segment": "card", "channel": "loan"}},
            "column card, loan is mapped on more than one meaning",
        ),
        (
            {"categorical": {"age": "segmento"}},
            "column age is used for more than one meaning",
        ),
        (
            {"categorical": {"card": "segmento"}},
            "column card is used for more than one meaning",
        ),
        (
            {"numeric": {"month": "mes"}},
            "'month' is taken: it names a column of the pipeline's tables",
        ),
        ({"categorical": {"customer": "x"}}, "'customer' is taken"),
        ({"products": {"customer": TITLE, "loan": TITLE}}, "'customer' is taken"),
        ({"products": {"present": TITLE, "loan": TITLE}}, "'present' is taken"),
        ({"products": {"was_active": TITLE, "loan": TITLE}}, "'was_active' is taken"),
        ({"categorical": {"income_missing": "x"}}, "'income_missing' is taken"),
        ({"products": {"loan": TITLE}}, "at least 2 items"),
        ({"products": {"card": {"en": "Card"}, "loan": TITLE}}, "Field required"),
        ({"id_type": "float"}, "Input should be 'integer' or 'string'"),
        ({"colour": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_mapping_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Schema.model_validate(mapping(**changes))
