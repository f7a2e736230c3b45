"""Plan an experiment, and read it: ``python -m src.experiment plan``, or ``read``."""

import argparse
from pathlib import Path

from src import params
from src.errors import InputError, run
from src.experiment.assignment import Experiment
from src.experiment.planning import Question, plan_text
from src.experiment.reading import arms_of, reading_text
from src.feedback.history import accepted, read_answers, read_feedback

LOG = Path("data/service/rec_history.log")


def plan(arguments: argparse.Namespace) -> str:
    """How many customers, and how long."""
    for name in ("power", "level", "share"):
        if not 0 < getattr(arguments, name) < 1:
            raise InputError(f"--{name} is {getattr(arguments, name):g}: give a share of 1")
    if arguments.per_month <= 0:
        raise InputError(f"--per-month is {arguments.per_month:g}: give a number of customers")
    question = Question(arguments.rate, arguments.lift, arguments.share, arguments.level)
    return plan_text(question, arguments.power, arguments.per_month)


def read(arguments: argparse.Namespace) -> str:
    """What was found."""
    experiment = params.load("experiment", Experiment, str(arguments.rules))
    answers = read_answers(arguments.log)
    feedback = accepted(read_feedback(arguments.feedback))
    return reading_text(arms_of(answers.known, feedback, experiment), experiment)


def main() -> None:
    """Print a plan or a reading."""
    parser = argparse.ArgumentParser(prog="python -m src.experiment", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    planning = commands.add_parser("plan", help="customers per arm, and months")
    planning.add_argument(
        "--rate", type=float, required=True, help="share of customers who accept an offer: 0.03"
    )
    planning.add_argument(
        "--lift", type=float, required=True, help="what is to be found: 0.1 is 10 %% more"
    )
    planning.add_argument(
        "--per-month", type=float, required=True, help="customers first offered something in one"
    )
    planning.add_argument("--power", type=float, default=0.8, help="chance of finding it (0.8)")
    planning.add_argument("--share", type=float, default=0.5, help="of the first arm (0.5)")
    planning.add_argument("--level", type=float, default=0.95, help="of the interval (0.95)")
    planning.set_defaults(work=plan)
    reading = commands.add_parser("read", help="difference between arms, with its interval")
    reading.add_argument("--log", type=Path, nargs="+", default=[LOG], help=f"instead of {LOG}")
    reading.add_argument("--feedback", type=Path, required=True, help="from GET /feedback/export")
    reading.add_argument("--rules", type=Path, default=Path("service.yaml"))
    reading.set_defaults(work=read)
    arguments = parser.parse_args()
    print(arguments.work(arguments))


if __name__ == "__main__":
    run(main)
