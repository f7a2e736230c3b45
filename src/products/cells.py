"""Cells of a raw file: what they say in our types, and what is wrong with them.

Every rule is an expression over columns that are typed already or still text: see `raw.read`.
"""

import ibis
import ibis.expr.types as ir

from src.products.schema import Schema


def snapshots(rows: ir.Table, schema: Schema) -> ir.Table:
    """Our columns from the raw ones; the customer of a row that is in doubt is null."""
    identity = _identity(rows, schema)
    in_doubt = ibis.or_(*unfit(rows, schema).values(), *_bad_numbers(rows, schema).values())
    columns = {
        "customer": ibis.ifelse(in_doubt, ibis.null(identity.type()), identity),
        "month": _given(rows[schema.month]).try_cast("date"),
    }
    columns |= {name: _number(rows[column]) for name, column in schema.numeric.items()}
    for name, column in schema.categorical.items():
        columns[name] = _given(rows[column]).cast("string")
    columns |= {product: _flag(rows[product]) for product in schema.products}
    return rows.select(**columns)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def trim(text: str) -> str:  # type: ignore[empty-body]
    """Remove blanks at both ends: SQL's own, ten times as fast as ``strip`` of any white space."""


def _given(cell: ir.Value) -> ir.Value:
    """Text without its padding, null where it says that nothing is there; others as they are."""
    return trim(cell).nullif("NA").nullif("") if cell.type().is_string() else cell


def _number(cell: ir.Value) -> ir.NumericValue:
    """Null for text that is no number, and for NaN, which is another spelling of nothing."""
    number = _given(cell).try_cast("float64")
    return ibis.ifelse(number.isnan(), ibis.null("float64"), number)


def _flag(cell: ir.Value) -> ir.BooleanValue:
    """Null for what is neither 0 nor 1."""
    if cell.type().is_boolean():
        return cell
    number = _number(cell)
    return ibis.cases((number == 0, False), (number == 1, True))


def _identity(rows: ir.Table, schema: Schema) -> ir.Value:
    """Customer of each row; null for what is not an id of the type in the schema."""
    owner = rows[schema.id]
    if schema.id_type == "string":
        return _given(owner.cast("string"))
    integer = owner.try_cast("int64")
    rounded = owner.try_cast("float64") != integer.cast("float64")  # 12.7 is cast to 13
    if owner.type().is_string():
        rounded = owner.contains(".") & rounded  # spares all others a cast
    return ibis.ifelse(rounded, ibis.null("int64"), integer)


def unfit(rows: ir.Table, schema: Schema) -> dict[str, ir.BooleanValue]:
    """Where a column cannot be what the schema says; one such row and the file is refused."""
    bad = {schema.month: _given(rows[schema.month]).try_cast("date").isnull()}
    for product in schema.products:
        cell = rows[product]
        if not cell.type().is_boolean():
            is_nan = _given(cell).try_cast("float64").isnan().fill_null(False)
            bad[product] = _given(cell).notnull() & _flag(cell).isnull() & ~is_nan
    return bad


def _bad_numbers(rows: ir.Table, schema: Schema) -> dict[str, ir.BooleanValue]:
    """Where a numeric column holds something that is no finite number."""
    bad = {}
    for column in schema.numeric.values():
        given = _given(rows[column])
        number = given.try_cast("float64")
        bad[column] = number.isinf().fill_null(False)
        if given.type().is_string():
            bad[column] |= given.notnull() & number.isnull()
    return bad


def reason(rows: ir.Table, schema: Schema) -> ir.StringValue:
    """Why a single row cannot be read, or null; such rows are set aside."""
    owner = _given(rows[schema.id].cast("string"))
    cases = [
        (owner.isnull(), ibis.literal(f"{schema.id} is missing")),
        (_identity(rows, schema).isnull(), f"{schema.id} is not an integer: " + owner),
    ]
    for column, bad in _bad_numbers(rows, schema).items():
        cases.append((bad, f"{column} is not a number: " + _given(rows[column].cast("string"))))
    return ibis.cases(*cases)


def rejects(rows: ir.Table, schema: Schema) -> ir.Table:
    """Rows that cannot be read: the reason, and the raw columns as text."""
    reasoned = rows.select(
        reason=reason(rows, schema),
        **{column: rows[column].cast("string") for column in schema.raw_columns},
    )
    return reasoned.filter(reasoned.reason.notnull()).order_by(reasoned.columns)
