"""Make the dashboard: ``python deploy/grafana/dashboard.py`` writes dashboards/nextbest.json.

A panel is one call; deploy/Monitoring.md says what each one tells.
"""

from pathlib import Path

from grafana_foundation_sdk.builders import bargauge, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig as ThresholdsStyle
from grafana_foundation_sdk.builders.common import ReduceDataOptions, StackingConfig
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueTextMode,
    GraphTresholdsStyleMode,
    StackingMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

TARGET = Path(__file__).parent / "dashboards" / "nextbest.json"
_PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
_RATE = "[$__rate_interval]"

Panel = stat.Panel | timeseries.Panel | bargauge.Panel


def _query(panel: Panel, index: int, expression: str, legend: str, *, now: bool) -> None:
    query = (
        prometheus.Dataquery()
        .expr(expression)
        .legend_format(legend)
        .ref_id("ABCDEFGH"[index])
        .datasource(_PROMETHEUS)
    )
    panel.with_target(query.instant() if now else query.range())


def _limits(*limits: float | None) -> dashboard.ThresholdsConfig:
    """Green, yellow from the first limit on, red from the second; None: no such step."""
    colors = zip(("yellow", "red"), limits, strict=True)
    steps = [Threshold(value=limit, color=color) for color, limit in colors if limit is not None]
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=None, color="green"), *steps])
    )


def number(
    title: str,
    expression: str,
    unit: str,
    limits: tuple[float | None, float | None] = (None, None),
    *,
    decimals: int | None = None,
    width: int = 3,
) -> stat.Panel:
    """A number as it is now."""
    panel = (
        stat.Panel()
        .title(title)
        .unit(unit)
        .thresholds(_limits(*limits))
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .datasource(_PROMETHEUS)
        .height(4)
        .span(width)
    )
    if decimals is not None:
        panel.decimals(decimals)
    _query(panel, 0, expression, "", now=True)
    return panel


def lines(
    title: str,
    unit: str,
    queries: dict[str, str],
    limits: tuple[float | None, float | None] | None = None,
    *,
    stacked: bool = False,
    width: int = 12,
) -> timeseries.Panel:
    """Curves over time: legends and their expressions; limits are drawn as lines."""
    panel = (
        timeseries.Panel()
        .title(title)
        .unit(unit)
        .min(0)
        .fill_opacity(30 if stacked else 0)
        .datasource(_PROMETHEUS)
        .height(8)
        .span(width)
    )
    if stacked:
        panel.stacking(StackingConfig().mode(StackingMode.NORMAL))
    if limits:
        panel.thresholds(_limits(*limits))
        panel.thresholds_style(ThresholdsStyle().mode(GraphTresholdsStyleMode.LINE))
    for index, (legend, expression) in enumerate(queries.items()):
        _query(panel, index, expression, legend, now=False)
    return panel


def bars(title: str, unit: str, expression: str, legend: str) -> bargauge.Panel:
    """Bars of what is now, the longest first."""
    panel = (
        bargauge.Panel()
        .title(title)
        .unit(unit)
        .min(0)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .datasource(_PROMETHEUS)
        .height(8)
        .span(12)
    )
    _query(panel, 0, expression, legend, now=True)
    return panel


def _quantile(level: float) -> str:
    buckets = f'nextbest_request_seconds_bucket{{route="/recommendations"}}{_RATE}'
    return f"histogram_quantile({level}, sum by (le) (rate({buckets})))"


def build() -> dashboard.Dashboard:
    """The whole dashboard."""
    up_or_down = ValueMap(
        options={
            "0": ValueMappingResult(text="down", color="red"),
            "1": ValueMappingResult(text="up", color="green"),
        }
    )
    models = number("Models", "nextbest_models", "none", width=6).text_mode(BigValueTextMode.NAME)
    models.targets([])
    _query(models, 0, "nextbest_models", "{{revision}} · data to {{month}}", now=True)
    requests, answers = "nextbest_requests_total", "nextbest_answers_total"
    return (
        dashboard.Dashboard("nextbest")
        .uid("nextbest")
        .description("The recommendation service. What each panel tells: deploy/Monitoring.md")
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .readonly()
        .with_row(dashboard.Row("Now"))
        .with_panel(
            number("Service", 'min(up{job="nextbest"})', "none").mappings([up_or_down]),
        )
        .with_panel(
            number(
                "Alerts firing",
                'count(ALERTS{alertstate="firing"}) or vector(0)',
                "none",
                (None, 1),
            )
        )
        .with_panel(number("Requests", "nextbest:requests:rate5m", "reqps", decimals=1))
        .with_panel(
            number(
                "Server errors",
                "nextbest:errors:ratio_rate5m",
                "percentunit",
                (0.001, 0.01),
                decimals=2,
            )
        )
        .with_panel(
            number(
                "Slowest 1 %",
                'nextbest:latency_seconds:p99_5m{route="/recommendations"}',
                "s",
                (0.025, 0.05),
            )
        )
        .with_panel(
            number(
                "Fallbacks",
                "nextbest:fallbacks:ratio_rate15m",
                "percentunit",
                (0.15, 0.3),
                decimals=1,
            )
        )
        .with_panel(
            number("Age of the data", "max(nextbest_data_age_days)", "d", (35, 45), decimals=0)
        )
        .with_panel(
            number(
                "Memory", "max(nextbest_resident_memory_bytes)", "bytes", (1.2e9, 1.5e9), decimals=0
            )
        )
        .with_panel(models)
        .with_panel(number("Known customers", "max(nextbest_known_customers)", "short"))
        .with_panel(
            number("Answers not recorded", "max(nextbest_history_dropped)", "short", (None, 1))
        )
        .with_row(dashboard.Row("Traffic"))
        .with_panel(
            lines(
                "Requests by status",
                "reqps",
                {"{{status}}": f"sum by (status) (rate({requests}{_RATE}))"},
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Time to recommend",
                "s",
                {"p50": _quantile(0.5), "p95": _quantile(0.95), "p99": _quantile(0.99)},
                (None, 0.05),
            )
        )
        .with_panel(
            lines(
                "Requests by route",
                "reqps",
                {"{{route}}": f"sum by (route) (rate({requests}{_RATE}))"},
                stacked=True,
            )
        )
        .with_panel(
            lines("Slowest 1 % by route", "s", {"{{route}}": "nextbest:latency_seconds:p99_5m"})
        )
        .with_row(dashboard.Row("Recommendations"))
        .with_panel(
            lines(
                "Answers by source",
                "percentunit",
                {
                    "{{source}}": f"sum by (source) (rate({answers}{_RATE}))"
                    f" / ignoring(source) group_left sum(rate({answers}{_RATE}))"
                },
                stacked=True,
            )
        )
        .with_panel(
            bars(
                "Recommended products",
                "short",
                "sort_desc(sum by (title) ("
                "sum by (product) (increase(nextbest_recommended_total[1h]))"
                " * on (product) group_left (title) max by (product, title) (nextbest_product)))",
                "{{title}}",
            )
        )
        .with_panel(
            lines(
                "Products taken out by rule",
                "cps",
                {"{{rule}}": f"sum by (rule) (rate(nextbest_removed_total{_RATE}))"},
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Feedback",
                "cps",
                {"{{action}}": f"sum by (action) (rate(nextbest_feedback_total{_RATE}))"},
                stacked=True,
            )
        )
        .with_row(dashboard.Row("Drift"))
        .with_panel(
            lines(
                "Drift of request features",
                "none",
                {"{{feature}}": "max by (feature) (nextbest_feature_psi)"},
                (0.1, 0.25),
            )
        )
        .with_panel(
            lines(
                "Drift of offers",
                "none",
                {"offered first": "max(nextbest_offer_psi)"},
                (0.1, 0.25),
                width=6,
            )
        )
        .with_panel(
            lines(
                "Requests behind the indices",
                "short",
                {"{{of}}": "sum by (of) (nextbest_drift_window)"},
                width=6,
            )
        )
    )


def text() -> str:
    """JSON of the dashboard as it is committed."""
    made = build().build()
    for place, panel in enumerate(made.panels or [], 1):
        panel.id_val = place
    return JSONEncoder(sort_keys=True, indent=2).encode(made) + "\n"


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text(), encoding="utf-8")
