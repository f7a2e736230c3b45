"""How a bank's columns of transactions are mapped, and which mappings cannot be."""

from typing import Any

import pytest
from pydantic import ValidationError

from src.payments.schema import Schema
from src.tables.columns import Column


def mapping(**changes: Any) -> dict[str, Any]:
    usual = {
        "id": "client_id",
        "id_type": "integer",
        "date": "paid_at",
        "amount": "sum",
        "paid": "positive",
        "provider": "merchant",
        "attributes": {"category": "mcc", "name": "merchant_name"},
    }
    return usual | changes


def test_columns_of_the_raw_file() -> None:
    expected = [
        Column("client_id", "client", "integer id"),
        Column("paid_at", "date", "timestamp"),
        Column("merchant", "provider", "category"),
        Column("sum", "amount", "number"),
        Column("mcc", "category", "category"),
        Column("merchant_name", "name", "category"),
    ]
    assert Schema.model_validate(mapping()).columns == expected
    texts = Schema.model_validate(mapping(id_type="string", attributes={}))
    assert texts.columns == [Column("client_id", "client", "text id"), *expected[1:4]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"date": "Sum"}, "column Sum, sum is mapped on more than one meaning"),
        ({"attributes": {"unit": "merchant"}}, "column merchant is mapped on more than one"),
        ({"attributes": {"operation": "Reason"}}, "'Reason' is taken: it names a column"),
        ({"attributes": {"colour": "x"}}, "Input should be 'category', 'operation', 'region'"),
        ({"id_type": "float"}, "Input should be 'integer' or 'string'"),
        ({"paid": "minus"}, "Input should be 'positive' or 'negative'"),
        ({"provider": None}, "Input should be a valid string"),
        ({"region": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_mapping_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Schema.model_validate(mapping(**changes))
