"""clean: repair every snapshot by the rules of `repair.py`.

Medians come from the first month only, which is a base month whatever the windows are, so no
repair knows the future.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import ibis
import ibis.expr.types as ir

from src import params
from src.engine import Engine, connect
from src.errors import run
from src.products import paths
from src.products.repair import UNKNOWN, Clean, Range, median_keys
from src.products.schema import Schema
from src.reporting import atomic, write_json


def repaired(
    engine: Engine,
    runs: Iterable[ir.Table],
    medians: ir.Table,
    schema: Schema,
    settings: Clean,
    counts: Counter[str],
) -> Iterator[ir.Table]:
    """Repair a table in chunks that never split a customer, and count what was repaired.

    Parameters
    ----------
    counts : Counter
        What `count_repairs` finds is added to it.
    """
    for rows in runs:
        with engine.cached(carry_forward(rows, schema)) as carried:
            (found,) = engine.collect(count_repairs(carried, schema, settings)).to_pylist()
            counts.update({name: count or 0 for name, count in found.items()})
            yield clean_rows(carried, medians, schema, settings)


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
        ``income_missing`` if there is income, and numeric (float64). A number without any
        median is 0.
    """
    keys = median_keys(schema)
    valid = _valid(rows, schema, settings)
    for depth in range(len(keys), -1, -1) if schema.numeric else ():
        own, level = keys[:depth], f"depth{depth}"
        blank = [medians[key].isnull() for key in keys[depth:]]
        known = medians.filter(blank) if blank else medians
        known = known.select(*own, **{f"{level}_{name}": name for name in schema.numeric})
        if own:  # a key that is null meets no row
            valid = valid.left_join(known, own, rname=f"{level}_{{name}}")
        else:
            valid = valid.cross_join(known)
    return _impute(valid, schema)


def _impute(rows: ir.Table, schema: Schema) -> ir.Table:
    """Give every missing number its median; each row is joined with those of all its levels."""
    levels = [f"depth{depth}" for depth in range(len(median_keys(schema)), -1, -1)]
    columns: dict[str, ir.Value] = {}
    if "income" in schema.numeric:
        columns["income_missing"] = rows["income"].isnull()
    for name in schema.numeric:
        columns[name] = rows[name].coalesce(*(rows[f"{level}_{name}"] for level in levels), 0.0)
    return rows.select("customer", "month", *schema.categorical, *schema.products, **columns)


def fit_medians(rows: ir.Table, schema: Schema, settings: Clean) -> ir.Table:
    """Medians of the numeric columns in the first month, by province and segment.

    There is a row for every pair of province and segment that occurs in `rows`, one for every
    province alone (without segment), and one for all (without both). What has no value takes the
    median of the province, then the overall one.

    Parameters
    ----------
    rows : Table
        Snapshots; the numbers of their first month only are used.

    Returns
    -------
    Table
        province, segment (as far as `schema` has them), first_month_rows and the numeric columns.
    """
    valid = _valid(rows, schema, settings)
    first = valid.filter(valid.month == valid.month.min().as_scalar())
    keys = median_keys(schema)
    groups = [
        _medians(first, keys[:depth], f"depth{depth}", schema) for depth in range(len(keys) + 1)
    ]
    levels = []
    for depth in range(len(keys) + 1):
        known = valid.select(keys[:depth]).distinct() if depth else groups[0]
        table = known
        for above in range(depth, -1, -1):
            if above:
                table = table.left_join(groups[above], keys[:above], rname=f"{above}_{{name}}")
            elif depth:
                table = table.cross_join(groups[0])
        levels.append(
            table.select(
                **{key: table[key] for key in keys[:depth]},
                **{key: ibis.null("string") for key in keys[depth:]},
                first_month_rows=table[f"depth{depth}_rows"].fill_null(0),
                **{
                    name: ibis.coalesce(
                        *(table[f"depth{above}_{name}"] for above in range(depth, -1, -1))
                    )
                    for name in schema.numeric
                },
            )
        )
    return ibis.union(*levels).order_by(keys) if keys else levels[0]


def _medians(rows: ir.Table, keys: list[str], level: str, schema: Schema) -> ir.Table:
    medians = {f"{level}_{name}": rows[name].median() for name in schema.numeric}
    return rows.aggregate(by=keys, **{f"{level}_rows": rows.count()}, **medians)


def carry_forward(rows: ir.Table, schema: Schema) -> ir.Table:
    """Give a row without any attribute all those of the customer's last earlier row with some.

    Rows without such an earlier row stay as they are. ``carried`` marks the repaired ones.
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


def count_repairs(carried: ir.Table, schema: Schema, settings: Clean) -> ir.Table:
    """Count the rows to repair by rule, in a table that `carry_forward` made; one row."""
    counts = {"rows": carried.count(), "profile_carried_forward": carried.carried.sum()}
    for name, valid in settings.of(schema).items():
        counts[f"out_of_range.{name}"] = _outside(carried[name], valid).sum()
    profile = _valid_profile(carried, schema, settings)
    counts |= {f"imputed_by_median.{name}": profile[name].isnull().sum() for name in schema.numeric}
    counts |= {f"unknown.{name}": carried[name].isnull().sum() for name in schema.categorical}
    counts |= {
        f"missing_is_not_held.{name}": carried[name].isnull().sum() for name in schema.products
    }
    return carried.aggregate(**counts)


def nested(counts: Counter[str]) -> dict[str, object]:
    """Counts of `count_repairs` by rule; categories and products without a repair are left out."""
    result: dict[str, object] = {name: counts[name] for name in counts if "." not in name}
    for rule in ("out_of_range", "imputed_by_median", "unknown", "missing_is_not_held"):
        own = {name: count for name, count in counts.items() if name.startswith(f"{rule}.")}
        result[rule] = {
            name.removeprefix(f"{rule}."): count
            for name, count in own.items()
            if count or rule in {"out_of_range", "imputed_by_median"}
        }
    return result


def _outside(column: ir.NumericValue, valid: Range) -> ir.BooleanValue:
    """Where a number is not valid; null where nothing is given."""
    return (column < valid.least) | (column > valid.most)


def _valid_profile(rows: ir.Table, schema: Schema, settings: Clean) -> dict[str, ir.Value]:
    """The profile by the rules; null where nothing valid is given."""
    columns: dict[str, ir.Value] = {name: rows[name].cast("float64") for name in schema.numeric}
    columns |= {name: rows[name] for name in schema.categorical}
    for name, valid in settings.of(schema).items():
        faulty = _outside(rows[name], valid)
        columns[name] = ibis.ifelse(faulty, ibis.null("float64"), columns[name])
    return columns


def _valid(rows: ir.Table, schema: Schema, settings: Clean) -> ir.Table:
    """Numbers out of range become null, categories and products are complete."""
    columns = _valid_profile(rows, schema, settings)
    columns |= {name: columns[name].fill_null(UNKNOWN) for name in schema.categorical}
    for product in schema.products:
        columns[product] = rows[product].cast("boolean").fill_null(False)
    return rows.select("customer", "month", **columns)


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("clean", Clean)
    schema = params.load("schema", Schema)
    engine = connect()
    counts: Counter[str] = Counter()
    with atomic(paths.CLEAN) as target, atomic(paths.MEDIANS) as medians:
        snapshots = engine.table(paths.SNAPSHOTS)
        engine.write(fit_medians(snapshots, schema, settings), medians)
        imputed = engine.table(medians)
        runs = engine.runs(paths.SNAPSHOTS, "customer")
        clean = repaired(engine, runs, imputed, schema, settings, counts)
        engine.write_runs(clean, target, order=["customer", "month"])
    write_json(paths.REPAIRS, nested(counts))


if __name__ == "__main__":
    run(main)
