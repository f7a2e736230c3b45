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
repair knows the future. ``clean_rows`` needs the medians and nothing else of the whole table: it
cleans one request of the service as well.
"""

import ibis
import ibis.expr.types as ir
from pydantic import Field, model_validator

from src import params
from src.engine import connect
from src.errors import run
from src.products import paths
from src.products.schema import Schema
from src.reporting import atomic, write_json

UNKNOWN = "unknown"


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
    """Repair rows one by one.

    Parameters
    ----------
    rows : Table
        customer, month, the profile and the products of `schema`; any number of rows.
    medians : Table
        As `fit_medians` makes it.

    Returns
    -------
    Table
        The same rows and columns without a null, plus ``income_missing`` where there is income.
    """
    valid = _valid(rows, schema, settings)
    filled = valid.left_join(
        medians, [valid[key] == medians[key] for key in _keys(schema)], rname="median_{name}"
    )
    columns: dict[str, ir.Value] = {}
    if "income" in schema.numeric:
        columns["income_missing"] = filled["income"].isnull()
    for name in schema.numeric:
        columns[name] = filled[name].coalesce(filled[f"median_{name}"], 0.0)
    return filled.select(
        "customer",
        "month",
        *schema.categorical,
        *schema.products,
        **columns,
    )


def fit_medians(rows: ir.Table, schema: Schema, settings: Clean) -> ir.Table:
    """Medians of the numeric columns for each province and segment that occurs in `rows`.

    A cell without values takes the median of its province, then the overall one. `rows` are
    snapshots; only their first month is used.
    """
    first = rows.filter(rows.month == rows.month.min().as_scalar())
    valid = _valid(first, schema, settings)
    keys = _keys(schema)
    cells = _valid(rows, schema, settings).select(*keys).distinct() if keys else None
    overall = valid.aggregate(**{f"all_{name}": valid[name].median() for name in schema.numeric})
    if cells is None:
        return overall.rename({name: f"all_{name}" for name in schema.numeric})
    table = cells.cross_join(overall)
    for depth in range(1, len(keys) + 1):
        group = valid.group_by(keys[:depth]).aggregate(
            **{f"by{depth}_{name}": valid[name].median() for name in schema.numeric}
        )
        table = table.left_join(group, keys[:depth]).drop(*(f"{key}_right" for key in keys[:depth]))
    levels = [*(f"by{depth}" for depth in range(len(keys), 0, -1)), "all"]
    return table.select(
        *keys,
        **{
            name: ibis.coalesce(*(table[f"{level}_{name}"] for level in levels))
            for name in schema.numeric
        },
    ).order_by(keys)


def carry_forward(rows: ir.Table, schema: Schema) -> ir.Table:
    """Give a row without any attribute the ones of the customer's last earlier row that has some.

    Rows without such an earlier row stay as they are. ``carried`` tells the mended ones.
    """
    blank = ibis.and_(*(rows[name].isnull() for name in schema.profile))
    needy = rows.filter(blank).select("customer", "month")
    donors = rows.filter(~blank).semi_join(needy, "customer").view()
    pairs = needy.join(donors, "customer").filter(lambda t: t.month_right < t.month)
    latest = pairs.group_by("customer", "month").aggregate(
        **{f"last_{name}": pairs[name].argmax(pairs.month_right) for name in schema.profile}
    )
    joined = rows.left_join(latest, ["customer", "month"])
    return joined.select(
        "customer",
        "month",
        *schema.products,
        carried=joined["customer_right"].notnull(),
        **{name: joined[name].coalesce(joined[f"last_{name}"]) for name in schema.profile},
    )


def count_repairs(
    rows: ir.Table, carried: ir.Table, schema: Schema, settings: Clean
) -> dict[str, int]:
    """Count, per rule, the rows of `rows` (before) and `carried` (profiles carried) to mend."""
    counts = {"rows": carried.count(), "profile_carried_forward": carried.carried.sum()}
    for name in schema.numeric:
        if name == "age":
            outside = ~carried[name].between(settings.age_min, settings.age_max)
            counts["age_out_of_range"] = outside.sum()
        if name == "tenure":
            counts["tenure_negative"] = (carried[name] < 0).sum()
        valid = _valid_number(carried, name, settings)
        counts[f"{name}_filled_by_median"] = valid.isnull().sum()
    for name in schema.categorical:
        counts[f"{name}_unknown"] = carried[name].isnull().sum()
    if "customer_type" in schema.categorical:
        counts["customer_type_respelt"] = carried["customer_type"].endswith(".0").sum()
    for product in schema.products:
        counts[f"{product}_missing_is_not_held"] = carried[product].isnull().sum()
    result = carried.aggregate(**counts).execute().iloc[0]
    return {name: int(result[name]) for name in counts}


def _keys(schema: Schema) -> list[str]:
    return [name for name in ("province", "segment") if name in schema.categorical]


def _valid_number(rows: ir.Table, name: str, settings: Clean) -> ir.NumericValue:
    column = rows[name].cast("float64")
    if name == "age":
        in_range = column.between(settings.age_min, settings.age_max)
        return ibis.ifelse(in_range, column, ibis.null("float64"))
    if name == "tenure":
        return ibis.ifelse(column >= 0, column, ibis.null("float64"))
    return column


def _valid(rows: ir.Table, schema: Schema, settings: Clean) -> ir.Table:
    """Numbers out of range become null; categories and products are complete."""
    columns: dict[str, ir.Value] = {
        name: _valid_number(rows, name, settings) for name in schema.numeric
    }
    for name in schema.categorical:
        category = rows[name]
        if name == "customer_type":
            category = ibis.ifelse(category.endswith(".0"), category.left(1), category)
        columns[name] = category.fill_null(UNKNOWN)
    for product in schema.products:
        columns[product] = rows[product].cast("boolean").fill_null(False)
    return rows.select("customer", "month", **columns)


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("clean", Clean)
    schema = params.load("schema", Schema)
    connection = connect()
    snapshots = connection.read_parquet(paths.SNAPSHOTS)
    with atomic(paths.CLEAN) as target, atomic(paths.MEDIANS) as medians:
        connection.to_parquet(fit_medians(snapshots, schema, settings), medians)
        carried = carry_forward(snapshots, schema)
        rows = clean_rows(carried, connection.read_parquet(medians), schema, settings)
        connection.to_parquet(rows.order_by("customer", "month"), target, compression="zstd")
        repairs = count_repairs(snapshots, carried, schema, settings)
    write_json(paths.REPAIRS, repairs)


if __name__ == "__main__":
    run(main)
