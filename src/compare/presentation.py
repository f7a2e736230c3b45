"""A comparison of two revisions as Markdown and as a picture."""

from matplotlib.figure import Figure

from src.compare.differences import RESAMPLES, Comparison
from src.compare.forest_plot import forest_plot
from src.evaluation.differences import Difference


def conclusion(comparison: Comparison) -> str:
    """The verdict in a sentence or two of Markdown."""
    first = comparison.models[0]
    measured = f"{first.title} {signed(first.change)}, 95 % interval {_interval(first)}"
    moved = f"{first.better:,} adders are served better, {first.worse:,} worse"
    match first.verdict:
        case "identical":
            return (
                f"**No difference: identical.** {first.title} scores each of the "
                f"{first.adders:,} adders the same."
            )
        case "too few differ":
            return (
                f"**No detectable difference:** of {first.adders:,} adders, too few score "
                f"differently to judge by. {measured}; {moved}."
            )
        case "no difference":
            return (
                f"**No difference: the interval contains 0.** {measured}; {moved}. That does not "
                "prove both equal: the truth may be any value in the interval."
            )
    winner = comparison.after if first.verdict == "higher" else comparison.before
    return f"**`{short(winner.revision)}` is better.** {measured}; {moved}."


def markdown(comparison: Comparison) -> str:
    """Verdict, table and what to keep in mind, as Markdown without a heading."""
    if comparison.identical:
        others = ["", "So do all other models."] if len(comparison.models) > 1 else []
        return "\n".join([conclusion(comparison), *others, *_notes(comparison)])
    first = comparison.models[0]
    lines = [conclusion(comparison), "", *_table(comparison)]
    month, customers = (comparison.after.test[name] for name in ("month", "customers"))
    lines += [
        "",
        f"*MAP@7 among the adders of {month}, paired by customer; paired bootstrap with "
        f"{RESAMPLES:,} resamples. Times {first.adders / customers:.4f} it is MAP@7 over all "
        "customers.*",
        "",
        "*The first row alone is the verdict. The others look at the same customers again, and "
        "even if there is no difference at all, one in twenty of such intervals misses 0. "
        "Whoever takes the best of many tries by this table has chosen by the test month.*",
        *_notes(comparison),
    ]
    return "\n".join(lines)


def _table(comparison: Comparison) -> list[str]:
    rows = [*comparison.models, *comparison.slices]
    first = rows[0]
    before, after = short(comparison.before.revision), short(comparison.after.revision)
    lines = [
        f"| | adders | {before} | {after} | difference | 95 % interval | better, worse | |",
        "| --- | --: | --: | --: | --: | :-: | :-: | --- |",
    ]
    for number, row in enumerate(rows):
        title = row.title if number < len(comparison.models) else f"{first.title}, {row.title}"
        cells = [
            title if number else f"**{title}**",
            f"{row.adders:,}",
            f"{row.before:.4f}",
            f"{row.after:.4f}",
            *(
                ["0", "", ""]
                if row.verdict == "identical"
                else [signed(row.change), _interval(row), f"{row.better:,}, {row.worse:,}"]
            ),
            row.verdict,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _notes(comparison: Comparison) -> list[str]:
    before, after = comparison.before, comparison.after
    notes = []
    paired = comparison.models[0].adders
    if before.test != after.test or {len(before.models), len(after.models)} != {paired}:
        counts = [
            f"`{short(scores.revision)}` {scores.test['customers']:,} customers, "
            f"{scores.test['adders']:,} adders, {scores.test['additions']:,} additions"
            for scores in (before, after)
        ]
        notes += [
            "",
            f"**The test data differ** ({'; '.join(counts)}). Compared on the {paired:,} adders "
            "common to both. If a customer's number means somebody else there, this means nothing.",
        ]
    return notes + _alone(comparison)


def _alone(comparison: Comparison) -> list[str]:
    """Models of one revision only."""
    before, after = comparison.before, comparison.after
    notes = []
    for one, other in ((before, after), (after, before)):
        alone = [str(name) for name in one.models if name not in other.models]
        if alone:
            notes += ["", f"Only in `{short(one.revision)}`: {', '.join(alone)}."]
    return notes


def draw(comparison: Comparison) -> Figure:
    """Draw differences and intervals: models above, slices below."""
    first = comparison.models[0].title
    before, after = (
        name if len(name) <= 34 else f"{name[:33]}…"
        for name in map(short, (comparison.before.revision, comparison.after.revision))
    )
    return forest_plot(
        {
            "Differences in MAP@7 among adders (their number)": comparison.models,
            f"{first} by slice": comparison.slices,
        },
        f"\N{LEFTWARDS ARROW} {before} better     95 % intervals     "
        f"{after} better \N{RIGHTWARDS ARROW}",
    )


def _interval(row: Difference) -> str:
    return f"{signed(row.low)} … {signed(row.high)}"


def signed(value: float, digits: int = 4) -> str:
    """Write a number with its sign, the minus as long as the plus."""
    rounded = round(value, digits) + 0.0  # which makes 0 of -0
    return f"{rounded:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def short(revision: str) -> str:
    """A full commit hash by its first seven digits; any other name as it is."""
    is_hash = len(revision) == 40 and set(revision) <= set("0123456789abcdef")
    return revision[:7] if is_hash else revision
