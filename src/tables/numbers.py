"""What a table's numbers are like."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from src.engine import Engine


def extremes(
    engine: Engine, rows: ir.Table, names: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """Lowest, highest and commonest value of each number: a sentinel stands out.

    Of values that are equally common, the least; None if a column has no value.
    """
    found: dict[str, dict[str, float | None]] = {}
    for name in names:
        values = rows.select(value=rows[name]).drop_null()
        (told,) = engine.collect(
            values.aggregate(min=values["value"].min(), max=values["value"].max())
        ).to_pylist()
        # The engine's own mode is any of several, and not the same one each time.
        counted = values.group_by("value").aggregate(times=values.count())
        common = engine.collect(counted.order_by(ibis.desc("times"), "value").limit(1))
        found[name] = told | {"mode": next(iter(common["value"].to_pylist()), None)}
    return found
