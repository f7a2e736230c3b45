"""clean: every repair of a snapshot, stated once with its reason.

=====================  ==========================================  ===============================
column                 what is wrong                               what is done, and why
=====================  ==========================================  ===============================
whole profile          all attributes missing together             carried forward from the
                                                                   customer's own earlier month;
                                                                   never back from a later one
age                    outside [age_min, age_max]                  missing: 164 is a typing error
tenure                 negative (the sentinel is -999999)          missing: a sentinel is no number
customer_type          ``1.0`` beside ``1``                        one spelling of one category
any category           missing                                     ``unknown``: that it is missing
                                                                   tells something
age, tenure, income    missing                                     median of province and segment
                                                                   in the first month; income is
                                                                   flagged (a fifth is missing)
any product            missing (nomina, nom_pens)                  not held: nothing says it is
=====================  ==========================================  ===============================

Medians come from the first month only, which is a base month whatever the windows are, so no
repair knows the future. ``clean_rows`` needs the medians and nothing else of the whole table, so
the service cleans a request by the same two expressions, ``valid_rows`` and ``fill_rows``.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow.parquet as pq
from pydantic import Field, model_validator
from tqdm import tqdm

from src import params
from src.engine import connect
from src.errors import run
from src.products import paths
from src.products.schema import Schema
from src.reporting import atomic, write_json

UNKNOWN = "unknown"

_ROW_GROUP = 122_880  # rows, as the engine itself writes
_ROW_GROUPS_AT_ONCE = 16


class Clean(params.Section):
    """Parameters of the stage: ages in years, both ends valid."""

    age_min: int = Field(ge=0)
    age_max: int = Field(le=130)

    @model_validator(mode="after")
    def _ordered(self) -> "Clean":
        if self.age_min >= self.age_max:
            raise ValueError(f"age_min ({self.age_min}) must lie below age_max ({self.age_max})")
        return self


def clean_rows(rows: ir.Table, medians: ir.Table, schema: Schema, settings: Clean) -> ir.Table:
    """Repair rows one by one, whatever other rows the table has.

    Parameters
    ----------
    rows : Table
        customer, month, the profile and the products of `schema`; any number of rows.
    medians : Table
        As `fit_medians` makes it.

    Returns
    -------
    Table
        customer, month, categorical and products (bool) of the same rows without a null,
        ``income_missing`` where there is income, and numeric (float64). A number without any
        median is 0.
    """
    keys = median_keys(schema)
    valid = valid_rows(rows, schema, settings)
    overall = medians
    if keys:
        cells = medians.select(*keys, **{f"cell_{name}": name for name in schema.numeric})
        valid = valid.left_join(cells, keys)
        overall = medians.filter(*(medians[key].isnull() for key in keys))
    if schema.numeric:
        valid = valid.cross_join(
            overall.select(**{f"overall_{name}": name for name in schema.numeric})
        )
    return fill_rows(valid, schema)


def fill_rows(rows: ir.Table, schema: Schema) -> ir.Table:
    """Give every missing number its median; the second half of `clean_rows`.

    Parameters
    ----------
    rows : Table
        As `valid_rows` makes it, each row beside its medians: ``cell_…`` of its province and
        segment (where the schema has them) and ``overall_…``.
    """
    levels = ["cell", "overall"] if median_keys(schema) else ["overall"]
    columns: dict[str, ir.Value] = {}
    if "income" in schema.numeric:
        columns["income_missing"] = rows["income"].isnull()
    for name in schema.numeric:
        columns[name] = rows[name].coalesce(*(rows[f"{level}_{name}"] for level in levels), 0.0)
    return rows.select("customer", "month", *schema.categorical, *schema.products, **columns)


def fit_medians(rows: ir.Table, schema: Schema, settings: Clean) -> ir.Table:
    """Medians of the numeric columns in the first month, by province and segment.

    There is a row for every province with every segment of `rows`. A cell without values takes the
    median of its province, then the overall one. A row without province and segment holds the
    overall one, for cells that are not in the table.

    Parameters
    ----------
    rows : Table
        Snapshots; the numbers of their first month only are used.

    Returns
    -------
    Table
        province, segment (as far as `schema` has them), first_month_rows and the numeric columns.
    """
    valid = valid_rows(rows, schema, settings)
    first = valid.filter(valid.month == valid.month.min().as_scalar())
    keys = median_keys(schema)
    overall = _medians(first, [], "overall", schema)
    table = overall
    for key in keys:
        table = table.cross_join(valid.select(key).distinct())
    levels = ["overall"]
    for depth in range(1, len(keys) + 1):
        level = f"depth{depth}"
        group = _medians(first, keys[:depth], level, schema)
        table = table.left_join(group, keys[:depth], rname=level + "_{name}")
        levels.insert(0, level)
    cells = table.select(
        *keys,
        first_month_rows=table[f"{levels[0]}_rows"].fill_null(0),
        **{
            name: ibis.coalesce(*(table[f"{level}_{name}"] for level in levels))
            for name in schema.numeric
        },
    )
    if not keys:
        return cells
    anywhere = overall.select(
        **{key: ibis.null("string") for key in keys},
        first_month_rows="overall_rows",
        **{name: f"overall_{name}" for name in schema.numeric},
    )
    return cells.union(anywhere).order_by(keys)


def _medians(rows: ir.Table, keys: list[str], level: str, schema: Schema) -> ir.Table:
    medians = {f"{level}_{name}": rows[name].median() for name in schema.numeric}
    return rows.aggregate(by=keys, **{f"{level}_rows": rows.count()}, **medians)


def carry_forward(rows: ir.Table, schema: Schema) -> ir.Table:
    """Give a row without any attribute all those of the customer's last earlier row with some.

    Rows without such an earlier row stay as they are. ``carried`` tells the mended ones.
    """
    blank = ibis.and_(*(rows[name].isnull() for name in schema.profile))
    needy = rows.filter(blank).select("customer", "month")
    donors = (
        rows.filter(~blank)
        .semi_join(needy, "customer")
        .select("customer", source="month", **{f"last_{name}": name for name in schema.profile})
    )
    pairs = needy.join(donors.select("customer", "source"), "customer")
    earlier = pairs.filter(pairs.source < pairs.month)
    latest = earlier.group_by("customer", "month").aggregate(source=earlier.source.max())
    profiles = latest.join(donors, ["customer", "source"])
    joined = rows.left_join(profiles, ["customer", "month"])
    return joined.select(
        "customer",
        "month",
        *schema.products,
        carried=joined["source"].notnull(),
        **{name: joined[name].coalesce(joined[f"last_{name}"]) for name in schema.profile},
    )


def count_repairs(carried: ir.Table, schema: Schema, settings: Clean) -> dict[str, object]:
    """Count the rows to mend by rule, in a table that `carry_forward` made.

    Columns and products without a repair are left out of ``unknown`` and ``missing_is_not_held``.
    """
    counts = {"rows": carried.count(), "profile_carried_forward": carried.carried.sum()}
    if "age" in schema.numeric:
        outside = ~carried["age"].between(settings.age_min, settings.age_max)
        counts["age_out_of_range"] = outside.sum()
    if "tenure" in schema.numeric:
        counts["tenure_negative"] = (carried["tenure"] < 0).sum()
    if "customer_type" in schema.categorical:
        counts["customer_type_respelt"] = carried["customer_type"].endswith(".0").sum()
    missing = {
        "filled_by_median": {
            name: _valid_number(carried, name, settings) for name in schema.numeric
        },
        "unknown": {name: carried[name] for name in schema.categorical},
        "missing_is_not_held": {name: carried[name] for name in schema.products},
    }
    for rule, columns in missing.items():
        counts |= {f"{rule}.{name}": column.isnull().sum() for name, column in columns.items()}
    found = carried.aggregate(**counts).to_pyarrow().to_pylist()[0]
    nested: dict[str, object] = {name: found[name] or 0 for name in counts if "." not in name}
    for rule, columns in missing.items():
        by_column = {name: found[f"{rule}.{name}"] for name in columns}
        if rule != "filled_by_median":
            by_column = {name: count for name, count in by_column.items() if count}
        nested[rule] = by_column
    return nested


def median_keys(schema: Schema) -> list[str]:
    """Columns whose combinations have medians of their own."""
    return [name for name in ("province", "segment") if name in schema.categorical]


def _valid_number(rows: ir.Table, name: str, settings: Clean) -> ir.NumericValue:
    column = rows[name].cast("float64")
    if name == "age":
        in_range = column.between(settings.age_min, settings.age_max)
        return ibis.ifelse(in_range, column, ibis.null("float64"))
    if name == "tenure":
        return ibis.ifelse(column >= 0, column, ibis.null("float64"))
    return column


def valid_rows(rows: ir.Table, schema: Schema, settings: Clean) -> ir.Table:
    """Numbers out of range become null, categories and products are complete.

    The first half of `clean_rows`; it looks at nothing but the row.
    """
    columns: dict[str, ir.Value] = {
        name: _valid_number(rows, name, settings) for name in schema.numeric
    }
    for name in schema.categorical:
        category = rows[name]
        if name == "customer_type":
            whole = category.left(category.length() - 2)
            category = ibis.ifelse(category.endswith(".0"), whole, category)
        columns[name] = category.fill_null(UNKNOWN)
    for product in schema.products:
        columns[product] = rows[product].cast("boolean").fill_null(False)
    return rows.select("customer", "month", **columns)


def parts(snapshots: ir.Table, path: Path) -> Iterator[ir.Table]:
    """Divide sorted snapshots into runs of whole customers, each of about two million rows.

    Joins do not keep an order, and to sort all rows again takes three times the memory and twice
    the time of sorting run by run. The bounds are where the row groups of the file begin.
    """
    metadata = pq.read_metadata(path)
    first = [
        metadata.row_group(group).column(0).statistics.min
        for group in range(0, metadata.num_row_groups, _ROW_GROUPS_AT_ONCE)
    ]
    for low, high in zip_longest(first, first[1:]):
        part = snapshots if low == first[0] else snapshots.filter(snapshots.customer >= low)
        yield part if high is None else part.filter(part.customer < high)


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("clean", Clean)
    schema = params.load("schema", Schema)
    connection = connect()
    snapshots = connection.read_parquet(paths.SNAPSHOTS)
    with atomic(paths.CLEAN) as target, atomic(paths.MEDIANS) as medians, ExitStack() as stack:
        fitted = fit_medians(snapshots, schema, settings)
        connection.to_parquet(fitted, medians, compression="zstd")
        fillers = connection.read_parquet(medians)
        writer = None
        for part in tqdm(list(parts(snapshots, Path(paths.SNAPSHOTS))), "clean", disable=None):
            rows = clean_rows(carry_forward(part, schema), fillers, schema, settings)
            table = rows.order_by("customer", "month").to_pyarrow()
            if writer is None:
                writer = pq.ParquetWriter(target, table.schema, compression="zstd")
                stack.enter_context(writer)
            writer.write_table(table, row_group_size=_ROW_GROUP)
        repairs = count_repairs(carry_forward(snapshots, schema), schema, settings)
    write_json(paths.REPAIRS, repairs)


if __name__ == "__main__":
    run(main)
