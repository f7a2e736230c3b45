"""Take a new month in: ``python -m src.month FILE``, or ``make month FILE=…``.

Checked, put under DVC, the pipeline run, the offers that were served measured, the refitted models
compared with the served ones, the decision committed. Each step leaves something that the next run
finds: killed anywhere, the same command goes on.
"""

import argparse
import datetime
import filecmp
import json
import shutil
import sys
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from src import params
from src.compare import revisions
from src.drawing import save
from src.engine import connect
from src.errors import InputError, run
from src.evaluation.differences import Difference
from src.evaluation.stability import psi
from src.month import came_to, history, report
from src.month.checks import check
from src.month.settings import PARAMS, Month
from src.products import figures, promoted
from src.products.dataset import Dataset
from src.products.promoted import Promoted
from src.products.schema import Schema
from src.reporting import atomic, write_json
from src.service.monitoring.drift_reference import Bins

_FORMS = (".csv", ".csv.gz", ".txt", ".txt.gz", ".gz", ".zip", ".parquet", ".pq")
_WRITTEN = ("dvc.lock", "metrics", "plots")  # by dvc repro, in git
_UNPUSHED = (
    "note: not pushed to the DVC remote; 'dvc push' does it once the remote is reachable "
    "(docs/s3.md)"
)


class Source(BaseModel):
    """What the cycle takes from the parameters of ingest."""

    path: str


def take_in(file: str, schema: Schema, settings: Month) -> str:
    """Check a new month's file and put it beside the others; returns its month.

    A file that is there already is what a run left that was killed: it goes on.

    Raises
    ------
    InputError
        The folder is not the one that ingest reads; the file does not pass; or its month has been
        taken in and decided upon.
    """
    folder = Path(settings.folder)
    source = params.load("ingest", Source).path
    if Path(source) != folder:
        raise InputError(
            f"ingest.path in params.yaml is {source}, but the monthly cycle adds files to {folder} "
            f"(month.folder in {PARAMS}): put one file per month there, set ingest.path to it, and "
            "run 'dvc repro' once (docs/month.md)"
        )
    if not Path(file).is_file():
        raise InputError(f"{file} is not there: name the new month's file, make month FILE=…")
    for known in sorted(folder.iterdir()) if folder.is_dir() else []:
        if known.is_file() and filecmp.cmp(file, known, shallow=False):
            month = known.name[: len("2016-06")]
            decided = str(report.folder_of(month) / "decision.json")
            if not (report.folder_of(month) / "checks.json").exists() or revisions.in_git(
                "HEAD", decided
            ):
                raise InputError(f"{file} is {known}, which has been taken in already")
            print(f"{month}: goes on where an earlier run ended", file=sys.stderr)
            return month
    form = next((form for form in sorted(_FORMS, key=len)[::-1] if file.endswith(form)), None)
    if form is None:
        raise InputError(f"{file} has none of the endings that are read: {', '.join(_FORMS)}")
    checked = check(connect(), file, schema, settings)
    write_json(
        report.folder_of(checked.month) / "checks.json",
        {"customers": checked.customers, "warnings": checked.warnings},
    )
    # Copied beside the folder: DVC tracks all that is in it, also what a kill leaves half done.
    copied = folder.with_name(f".{checked.month}{form}.tmp")
    shutil.copyfile(file, copied)
    copied.replace(folder / f"{checked.month}{form}")
    return checked.month


def drift(dataset: Dataset) -> dict[str, float]:
    """PSI of each column of the profile: the newest month against the month before it."""
    (date,) = dataset.windows.test
    month = np.datetime64(date, "M")
    before = dataset.customers(month).profile
    after = dataset.rolled().customers(month + 1).profile
    bins = Bins.fit(before)
    codes = bins.codes(before), bins.codes(after)
    found = {}
    for place, (name, size) in enumerate(bins.sizes.items()):
        old, new = (np.bincount(table[:, place], minlength=size) for table in codes)
        found[name] = psi(old, new)
    return found


def decide(
    champion: Promoted | None, dataset: Dataset, settings: Month
) -> tuple[Difference | None, bool, str]:
    """Whether the refitted models are to be served, and why."""
    if champion is None:
        return None, True, "Nothing was served before"
    served = champion.revision[:7]
    try:
        row = came_to.compare(dataset, champion, settings)
    except InputError as error:
        advice = "'python -m src.month.promote' decides by hand"
        return None, False, f"The refitted models cannot be compared: {error}; {advice}"
    # Of few adders the interval alone proves little; but it is enough not to risk it.
    worse, better = row.high < 0, row.verdict == "higher"
    told = f"on {row.adders:,} adders the difference is {row.change:+.4f}"
    interval = f"{row.low:+.4f} … {row.high:+.4f}"
    if worse or (settings.promote == "better" and not better):
        what = "worse than" if worse else "not better than"
        return row, False, f"The refitted models are {what} {served}: {told} ({interval})"
    what = "better" if better else "not worse"
    return row, True, f"The refitted models are {what} than {served}: {told} ({interval})"


def conclude(month: str, settings: Month, schema: Schema) -> report.Decision:
    """Measure, compare, decide, and write the report of a month whose run is committed."""
    folder = report.folder_of(month)
    checks = json.loads((folder / "checks.json").read_text(encoding="utf-8"))
    dataset = Dataset.open(schema)
    champion = history.committed()  # a run that was killed may have written its decision
    served = came_to.came_to(dataset, champion, settings) if champion else None
    row, promote, why = decide(champion, dataset, settings)
    decision = report.Decision(
        month,
        checks["customers"],
        checks["warnings"],
        drift(dataset),
        report.served_of(served) if served else None,
        report.kept(row) if row else None,
        promote,
        why,
        came_to.first_offers_changed(champion) if champion else None,
    )
    write_json(folder / "decision.json", decision.__dict__)
    every = report.Decision.read_all()
    decision = next(one for one in every if one.month == month)
    if served:
        save(folder / "months.png", report.months(every))
        bins = served.calibration.assign(title="anything")
        save(folder / "calibration.png", figures.calibration(bins))
    previous = [one for one in every if one.month < month]
    with atomic(folder / "report.md") as temporary:
        temporary.write_text(report.markdown(decision, champion, previous), encoding="utf-8")
    return decision


def main() -> None:
    """Take a month in, from its file to the decision."""
    parser = argparse.ArgumentParser(description="Take a new month's snapshot in.")
    parser.add_argument("file", help="raw snapshot of the month that follows, alone in its file")
    file = parser.parse_args().file
    settings = params.load("month", Month, PARAMS)
    schema = params.load("schema", Schema)
    month = take_in(file, schema, settings)
    history.run("dvc", "add", "--quiet", settings.folder)
    history.run("dvc", "repro")
    tracked = (f"{settings.folder}.dvc", str(Path(settings.folder).parent / ".gitignore"))
    checks = str(report.folder_of(month) / "checks.json")
    history.commit(f"Month {month}", [*tracked, *_WRITTEN, checks])
    revision = history.last_run()
    decision = conclude(month, settings, schema)
    if decision.promoted:
        today = datetime.datetime.now(datetime.UTC).date()
        history.promote(history.describe(revision, str(today), decision.why))
    elif chosen := history.committed():
        history.put_into_place(chosen)
    what = "promoted" if decision.promoted else "not promoted"
    names = [promoted.PATH, promoted.LOCK, str(report.folder_of(month))]
    history.commit(f"Month {month}: {what}", names)
    print(f"{month}: {what}. {decision.why}. Report: {report.folder_of(month)}/report.md")
    if not history.pushed():
        print(_UNPUSHED, file=sys.stderr)


if __name__ == "__main__":
    run(main)
