"""Payments of two revisions, their models paired by client."""

from src.compare import resamples
from src.errors import InputError
from src.payments import paths

_MEASURED = {  # file -> what it holds; its first columns, which tell resamples apart
    paths.GINI_RESAMPLES: ("Gini of operations", ["observations", "repeated"]),
    paths.EXAMPLES_RESAMPLES: ("MAP@10 of new providers", ["targets"]),
}


def markdown(before: str, after: str) -> str:
    """Compare the models of payments that both revisions measured, as Markdown."""
    return "\n\n".join(_section(before, after, path) for path in _MEASURED)


def _section(before: str, after: str, path: str) -> str:
    title, key = _MEASURED[path]
    try:
        rows = resamples.changes(before, after, path, key)
    except InputError as error:
        return f"*{title}: not compared. {error}.*"
    note = "*Paired by client: the same resamples of clients in both.*"
    return f"{resamples.table(title, before, after, rows)}\n\n{note}"
