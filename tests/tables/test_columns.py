import pytest

from src.tables.columns import Column, identity, of_kind

ID, MONTH = Column("id", "customer", "integer id"), Column("fecha", "month", "date")
AGE, CARD = Column("edad", "age", "number"), Column("card", "card", "flag")
COLUMNS = [MONTH, ID, AGE, CARD]


def test_columns_of_some_kinds_keep_their_order() -> None:
    assert of_kind(COLUMNS, "flag", "date", "number") == [MONTH, AGE, CARD]
    assert of_kind(COLUMNS, "category") == []


@pytest.mark.parametrize("own", [ID, Column("client", "customer", "text id")])
def test_one_column_says_whose_row_it_is(own: Column) -> None:
    assert identity([MONTH, own, AGE]) == own
