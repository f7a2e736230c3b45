"""export: the service's answers, what was said to them, and the customers as they were then."""

import sys
from pathlib import Path

from src import params
from src.errors import InputError, run
from src.feedback import paths as own
from src.feedback.examples import join
from src.feedback.history import last_words, read_answers, read_feedback
from src.feedback.settings import PARAMS, Export
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.reporting import write_parquet


def main() -> None:
    """Run the stage as params.yaml says."""
    folder = Path(params.load("export", Export, PARAMS).folder)
    logs = sorted(folder.glob("rec_history.log*"))
    if not logs:
        raise InputError(
            f"{folder} has no rec_history.log, the service's answers: name its folder as "
            f"export.folder in {PARAMS}"
        )
    dataset = Dataset.open(params.load("schema", Schema))
    answers = read_answers(logs).known
    table = join(answers, last_words(read_feedback(folder / "feedback.jsonl")), dataset)
    write_parquet(own.ANSWERS, table)
    if left_out := len({answer.answer for answer in answers}) - len(table):
        print(
            f"note: {left_out:,} answers are to customers whom the snapshot before does not have; "
            f"{len(table):,} are kept",
            file=sys.stderr,
        )


if __name__ == "__main__":
    run(main)
