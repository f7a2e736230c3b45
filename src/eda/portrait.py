"""Who the customers are, which of them add something, and what after what."""

import operator
from itertools import pairwise

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from src.eda.tables import EdaTables, fold, with_adds
from src.models.history import bit
from src.products.schema import Schema

_CATEGORIES = ["segment", "active", "sex", "channel"]
_AGES = [20, 30, 40, 50, 60, 70]
_TENURES = [6, 12, 24, 60, 120]  # months
_MANY = 6  # products held; more are one group


def portrait(tables: EdaTables) -> pd.DataFrame:
    """Customers of the last month by age (years), sex and activity, as far as the schema has them.

    Columns age, sex, active, customers.
    """
    rows = tables.last
    keys: dict[str, ir.Value] = {}
    if "age" in tables.schema.numeric:
        keys["age"] = rows.age.floor().cast("int64")
    keys |= {name: rows[name] for name in ("sex", "active") if name in tables.schema.categorical}
    table = tables.collect(rows.aggregate(by=keys, customers=rows.count()))
    return table.sort_values(list(keys), ignore_index=True) if keys else table


def who_adds(tables: EdaTables) -> pd.DataFrame:
    """Which customers add something in the following month, by what is known of them.

    The test month is left out.

    Returns
    -------
    DataFrame
        attribute, value, customers (counted once a month, if also there in the month that
        follows) and adders (those of them who add anything in it); bands in their order,
        categories by size.
    """
    following = {
        month: 1 << tables.lag(later) - 1
        for month, later in pairwise(tables.months[:-1])
        if tables.lag(month) == tables.lag(later) + 1
    }
    known = tables.rows.filter(tables.rows.month.isin(list(following)))
    joined = known.join(with_adds(tables), "customer")
    weight = joined.month.cases(*following.items(), else_=0).cast("int64")
    asked = joined.mutate(_adds=(joined["_adds"] & weight) != 0)
    asked = asked.filter((joined.present & weight) != 0)
    attributes = _attributes(asked, tables.schema)
    keys = {name: value for name, (value, _) in attributes.items()}
    counts = asked.group_by(**keys).aggregate(customers=asked.count(), adders=asked["_adds"].sum())
    cube = tables.collect(counts)  # one pass over the rows for all
    parts = []
    for name, (_, labels) in attributes.items():
        table = cube.groupby(name)[["customers", "adders"]].sum().reset_index(names="value")
        if labels:
            table["value"] = [labels[int(code)] for code in table["value"]]
        else:
            table = table.sort_values("customers", ascending=False, kind="stable")
        table.insert(0, "attribute", name)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _attributes(rows: ir.Table, schema: Schema) -> dict[str, tuple[ir.Value, list[str]]]:
    """What `who_adds` counts by: an expression, and what its codes mean where it has codes."""
    found: dict[str, tuple[ir.Value, list[str]]] = {}
    held = fold(operator.add, [rows[product].cast("int64") for product in schema.products])
    counts = [str(count) for count in range(_MANY)]
    found["products held"] = held.clip(upper=_MANY), [*counts, f"{_MANY} or more"]
    if "age" in schema.numeric:
        between = [f"{low}-{high - 1}" for low, high in pairwise(_AGES)]
        labels = [f"under {_AGES[0]}", *between, f"{_AGES[-1]} and over"]
        found["age"] = _band(rows.age, _AGES), labels
    if "tenure" in schema.numeric:
        labels = ["under ½", "½-1", "1-2", "2-5", "5-10", "10 and over"]
        found["years with the bank"] = _band(rows.tenure, _TENURES), labels
    for name in _CATEGORIES:
        if name in schema.categorical:
            found[name] = rows[name], []
    return found


def _band(column: ir.Value, edges: list[int]) -> ir.Value:
    """How many edges the number has reached."""
    return fold(operator.add, [(column >= edge).cast("int64") for edge in edges])


def added_after(tables: EdaTables) -> pd.DataFrame:
    """What adders add, by what they held in the month before; the test month is left out.

    Returns
    -------
    DataFrame
        held (a product, or "nothing"), product, adders (who held the one and not the other),
        additions (of the other by them), rate = additions ÷ adders, and lift = that rate ÷ the
        rate of all adders who did not hold `product`. Products that nobody added are left out,
        and so are pairs without adders.
    """
    products = list(tables.schema.products)
    flags = with_adds(tables, *products)
    found = tables.engine.collect(flags.filter(flags["_adds"] != 0))
    adds = found["_adds"].to_numpy()
    bits = np.column_stack([found[product].to_numpy() for product in products])
    adders, additions = np.zeros((2, len(products) + 2, len(products)))  # sums of ones are exact
    for month in tables.months[1:-1]:
        lag = tables.lag(month)
        own = bits[bit(adds, lag) == 1]
        before = bit(own, lag + 1).astype(np.float64)
        without = 1 - before
        nothing, everybody = ~before.any(axis=1, keepdims=True), np.ones((len(own), 1))
        groups = np.hstack([before, nothing, everybody]).T
        adders += groups @ without
        additions += groups @ (bit(own, lag) * without)
    everybody = additions[-1] / np.maximum(adders[-1], 1)
    held, added = np.nonzero((adders[:-1] > 0) & (additions[-1] > 0))
    table = pd.DataFrame(
        {
            "held": np.array([*products, "nothing"])[held],
            "product": np.array(products)[added],
            "adders": adders[held, added].astype(np.int64),
            "additions": additions[held, added].astype(np.int64),
        }
    )
    table["rate"] = table["additions"] / table["adders"]
    table["lift"] = table["rate"] / everybody[added]
    return table
