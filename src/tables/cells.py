"""Cells of a raw table: what they say in our types, and what is wrong with them.

Every rule is an expression over columns that are typed already or still text, which `stripped` has
been through: see `files.read`. Engines cast text differently, without an error: one takes ``1_000``
for a number, the other ``1d``; so a text is cast only if it has the form below, and in its one
spelling. What is spelt like that already, as nearly all cells are, is not looked at closely.
"""

import datetime
import sys
from collections.abc import Collection

import ibis
import ibis.expr.types as ir

from src.tables import spelling
from src.tables.columns import Column, Columns, identity, of_kind

FIRST_YEAR = 1950  # no bank has snapshots that are older; 1900 and 1601 are spellings of nothing
_EXACT = 2**53  # from here on a float has lost digits
_LARGEST = sys.float_info.max

# \z: the end, where $ is before a last line break as well, for some engines
_SPACE = r"[ \t\r\n\f]*"
_NUMBER = rf"^{_SPACE}([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?){_SPACE}\z"
# that an id may be taken for
_ANY_NUMBER = r"^[+-]?(0[xX][0-9a-fA-F]+|[0-9][0-9_]*(\.[0-9]*)?([eE][+-]?[0-9]+)?)\z"
_DAY = r"([0-9]{1,4})(-[0-9]{1,2}-[0-9]{1,2}|/[0-9]{1,2}/[0-9]{1,2})"
_TIME = r"([01]?[0-9]|2[0-3]):[0-5]?[0-9](:[0-5]?[0-9](\.[0-9]{1,6})?)?"
_OFFSET = r" ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
_STAMP = rf"^{_SPACE}{_DAY}([ T]({_TIME})[0-9]*{_OFFSET})?{_SPACE}\z"
_END_OF_TIME = "9999-12-31"
_YEAR_GROUP, _DAY_GROUP, _TIME_GROUP = 1, 2, 4


def typed(rows: ir.Table, columns: Columns, as_spelt: Collection[str] = ()) -> ir.Table:
    """Our columns from the raw ones; the id of a row that is in doubt is null.

    Categories are brought to their one spelling, except for the columns that are left `as_spelt`.
    """
    own = identity(columns)
    owner = _owner(rows, own)
    bad = [*unfit(rows, columns).values(), *_bad_numbers(rows, columns).values()]
    # No date, or none that is possible: told apart only where it is said, as both take long.
    bad += [~possible.fill_null(False) for possible in _possible_dates(rows, columns).values()]
    in_doubt = ibis.or_(*bad)
    converted: dict[str, ir.Value] = {}
    for column in columns:
        cell = rows[column.raw]
        match column.kind:
            case "date":
                converted[column.name] = _date(cell)
            case "timestamp":
                converted[column.name] = _timestamp(cell)
            case "number":
                converted[column.name] = _number(cell)
            case "flag":
                converted[column.name] = _flag(cell)
            case "category":
                plain = column.name in as_spelt and cell.type().is_string()
                converted[column.name] = cell if plain else canonical(cell)
            case _:
                # An id as a branch of its own would be worked out anew for each of its parts.
                nothing = ibis.literal("" if owner.type().is_string() else 0, owner.type())
                converted[column.name] = owner + ibis.ifelse(
                    in_doubt, ibis.null(owner.type()), nothing
                )
    return rows.select(**converted)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def trim(text: str) -> str:  # type: ignore[empty-body]
    """Remove blanks at both ends: SQL's own, ten times as fast as ``strip`` of any white space."""


def stripped(rows: ir.Table) -> ir.Table:
    """Text without the blanks around it, null where it is a spelling of nothing."""
    texts = {}
    for name, kind in rows.schema().items():
        if kind.is_string():
            text = trim(rows[name])
            texts[name] = ibis.ifelse(text.isin(spelling.NOTHING), ibis.null("string"), text)
    return rows.mutate(**texts)


def canonical(cell: ir.Value) -> ir.StringValue:
    """A category in its one spelling, see `spelling.category`."""
    kind = cell.type()
    if kind.is_boolean():
        return cell.cast("int8").cast("string")
    if kind.is_floating():
        number = cell.nullif(float("nan"))
        whole = (number % 1 == 0) & (number.abs() < _EXACT)
        return ibis.ifelse(whole, number.cast("int64").cast("string"), _text(number))
    # Never "", but an engine that knows of no nulls writes other bytes.
    text = cell if kind.is_string() else cell.cast("string").nullif("")
    # Few cells end in 0 and have a point: only these are looked at closely, as that takes long.
    fraction = text.endswith("0") & text.contains(".")
    whole = text.re_search(rf"^{spelling.WHOLE.pattern}\z")
    return ibis.cases(
        (text.isin(spelling.TRUE), "1"),
        (text.isin(spelling.FALSE), "0"),
        (fraction & whole, text.re_replace(r"\.0+\z", "")),
        else_=text,
    )


def _text(cell: ir.Value) -> ir.StringValue:
    """A cell as text; engines spell infinity differently, and numbers that have an exponent."""
    if not cell.type().is_floating():
        return cell.cast("string")
    infinite = (cell.abs() > _LARGEST) & ~cell.isnan()
    return ibis.cases(
        (infinite & (cell > 0), "inf"),
        (infinite, "-inf"),
        (cell.isnan(), "nan"),
        else_=cell.cast("string"),
    )


def _number(cell: ir.Value) -> ir.NumericValue:
    """Null for text that is no number, and for NaN, which is another spelling of nothing."""
    if cell.type().is_string():
        return cell.re_extract(_NUMBER, 1).try_cast("float64")
    number = cell.try_cast("float64")
    return ibis.ifelse(number.isnan(), ibis.null("float64"), number)


def _is_nan(text: ir.StringValue) -> ir.BooleanValue:
    """Whether a text spells that there is nothing; not null where the text is none."""
    return (text.lower() == "nan").fill_null(False)


def _date(cell: ir.Value) -> ir.DateValue:
    """Null for what is no day, or a day with a time that is none."""
    if not cell.type().is_string():
        return cell.try_cast("date")
    date = cell.try_cast("date")
    day = ibis.ifelse(cell.lower() == "infinity", _END_OF_TIME, _spelt_day(cell))  # PostgreSQL's
    return ibis.ifelse(_spelt_as(date, cell), date, day.try_cast("date"))


def _spelt_day(cell: ir.StringValue) -> ir.StringValue:
    """The day in its one spelling; null where there is none, or in the year 0, which is none."""
    year = cell.re_extract(_STAMP, _YEAR_GROUP).nullif("").lpad(4, "0").nullif("0000")
    return year + cell.re_extract(_STAMP, _DAY_GROUP).replace("/", "-")


def _timestamp(cell: ir.Value) -> ir.TimestampValue:
    """Date and time as they are written: what says how far they are from Greenwich is left off.

    Null for what is no date. A time that a file holds as an instant becomes that of Greenwich.
    """
    if not cell.type().is_string():
        return cell.try_cast("timestamp")
    time = cell.re_extract(_STAMP, _TIME_GROUP).nullif("").fill_null("00:00")
    stamp = cell.try_cast("timestamp")
    return ibis.cases(
        (_spelt_as(stamp.date(), cell), stamp),
        (_spelt_as(stamp, cell), stamp),
        else_=(_spelt_day(cell) + " " + time).try_cast("timestamp"),
    )


def _spelt_as(when: ir.DateValue | ir.TimestampValue, text: ir.StringValue) -> ir.BooleanValue:
    """Whether a text is the one spelling of a date, or of a date with a time; nearly all are."""
    years = when.between(datetime.datetime.min, datetime.datetime.max)  # infinity is none
    return (when.cast("string") == text) & years


def _flag(cell: ir.Value) -> ir.BooleanValue:
    """Null for what is no spelling of a flag, see `spelling`."""
    if cell.type().is_boolean():
        return cell
    number = _number(cell)
    numbers = [(number == 0, False), (number == 1, True)]
    if not cell.type().is_string():
        return ibis.cases(*numbers)
    plain = [(cell == "0", False), (cell == "1", True)]  # nearly all: the others take long
    word = cell.lower()
    words = [(word.isin(spelling.HELD), True), (word.isin(spelling.NOT_HELD), False)]
    return ibis.cases(*plain, *words, *numbers)


def _owner(rows: ir.Table, column: Column) -> ir.Value:
    """Id of each row; null for what is not an id of the required kind."""
    owner = rows[column.raw]
    if column.kind == "text id":
        return canonical(owner)
    if owner.type().is_string():
        # Nearly all ids are as they should be: the spellings, which take long, are for the others.
        return _exactly(owner, else_=_exactly(canonical(owner), else_=ibis.null("int64")))
    if owner.type().is_floating():
        exact = (owner % 1 == 0) & (owner.abs() < _EXACT)
        return ibis.ifelse(exact, owner.try_cast("int64"), ibis.null("int64"))
    if owner.type().is_decimal():
        return ibis.ifelse(owner % 1 == 0, owner.try_cast("int64"), ibis.null("int64"))
    return owner.try_cast("int64")


def _exactly(text: ir.StringValue, else_: ir.Value) -> ir.IntegerValue:
    """The integer whose spelling a text is."""
    integer = text.try_cast("int64")
    return ibis.ifelse(integer.cast("string") == text, integer, else_)


def misspelt(rows: ir.Table, column: Column) -> ir.BooleanValue:
    """Where an integer id is a number, but not spelt as the number that it is, or not exactly."""
    owner = rows[column.raw]
    if column.kind == "text id" or not (owner.type().is_string() or owner.type().is_floating()):
        return ibis.literal(False)
    if owner.type().is_string():
        text = canonical(owner)
        is_number = text.re_search(
            _ANY_NUMBER
        )  # a NaN is no id at all, nor another spelling of one
        broken = text.contains(".") & ~text.lower().contains("e")  # 12.7: no id at all
        return is_number & ~broken & _owner(rows, column).isnull()
    return (owner.abs() >= _EXACT) & ~owner.isnan()


def unfit(rows: ir.Table, columns: Columns) -> dict[Column, ir.BooleanValue]:
    """Where a column cannot be what it should be; one such row and the file is refused."""
    bad = {}
    for column in of_kind(columns, "date"):
        bad[column] = _date(rows[column.raw]).isnull()
    for column in of_kind(columns, "flag"):
        cell = rows[column.raw]
        if not cell.type().is_boolean():
            bad[column] = cell.notnull() & _flag(cell).isnull()
            if cell.type().is_string():  # nearly none are left to be looked at closely
                bad[column] = cell.notin(["0", "1"]) & bad[column] & ~_is_nan(cell)
            elif cell.type().is_floating():
                bad[column] &= ~cell.isnan()
    return bad


def _bad_numbers(rows: ir.Table, columns: Columns) -> dict[str, ir.BooleanValue]:
    """Where a numeric column holds something that is no finite number; by raw name."""
    bad = {}
    for column in of_kind(columns, "number"):
        cell = rows[column.raw]
        number = _number(cell)
        bad[column.raw] = (number.abs() > _LARGEST).fill_null(False)
        if cell.type().is_string():
            bad[column.raw] |= cell.notnull() & number.isnull() & ~_is_nan(cell)
    return bad


def _no_timestamps(rows: ir.Table, columns: Columns) -> dict[str, ir.BooleanValue]:
    """Where a column of timestamps holds something that is none, or nothing; by raw name."""
    stamps = of_kind(columns, "timestamp")
    return {column.raw: _timestamp(rows[column.raw]).isnull() for column in stamps}


def _possible_dates(rows: ir.Table, columns: Columns) -> dict[str, ir.BooleanValue]:
    """Whether a date is in a year that a bank can have a snapshot of; by raw name, null: none."""
    last_year = datetime.date.today().year + 1
    first, end = datetime.date(FIRST_YEAR, 1, 1), datetime.date(last_year, 12, 31)
    possible = {}
    for column in of_kind(columns, "date", "timestamp"):
        cell = rows[column.raw]
        date = _timestamp(cell).date() if column.kind == "timestamp" else _date(cell)
        possible[column.raw] = date.between(first, end)
    return possible


def reason(rows: ir.Table, columns: Columns) -> ir.StringValue:
    """Why a single row cannot be read, or null; such rows are set aside."""
    own = identity(columns)
    owner = _text(rows[own.raw])
    cases = [
        (owner.isnull(), ibis.literal(f"{own.raw} is missing")),
        (_owner(rows, own).isnull(), f"{own.raw} is not an integer: " + owner),
    ]
    for name, bad in _bad_numbers(rows, columns).items():
        cases.append((bad, f"{name} is not a number: " + _text(rows[name])))
    for name, bad in _no_timestamps(rows, columns).items():
        text = rows[name].cast("string").fill_null("nothing")
        cases.append((bad, f"{name} is not a date: " + text))
    for name, possible in _possible_dates(rows, columns).items():
        cases.append((~possible, f"{name} is in no possible year: " + rows[name].cast("string")))
    return ibis.cases(*cases)


def rejects(rows: ir.Table, columns: Columns) -> ir.Table:
    """Rows that cannot be read: the reason, and the raw columns as text; in a defined order."""
    reasoned = rows.select(
        reason=reason(rows, columns),
        **{column.raw: _text(rows[column.raw]) for column in columns},
    )
    return reasoned.filter(reasoned.reason.notnull()).order_by(reasoned.columns)
