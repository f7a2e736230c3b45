"""Log a finished revision to MLflow: `python -m src.log_mlflow [--rev HEAD]`.

Nothing is computed, and nothing of the workspace is taken: parameters, metrics, plots and models
are the revision's, out of git and DVC.
"""

import argparse
import os
import subprocess
import sys

from src.errors import InputError, run
from src.log_mlflow.finished import Finished
from src.log_mlflow.runs import ALIAS, log, point_at_promoted
from src.log_mlflow.server import SERVER, find_experiment, mlflow_at
from src.products import promoted


def main() -> None:
    """Log one revision."""
    parser = argparse.ArgumentParser(
        prog="python -m src.log_mlflow", description="Log a finished revision to MLflow."
    )
    parser.add_argument("--rev", default="HEAD", help="commit, branch, tag or DVC experiment")
    parser.add_argument("--experiment", default="nextbest", help="also the models' first name")
    uri = os.environ.get("MLFLOW_TRACKING_URI") or SERVER
    parser.add_argument("--tracking-uri", default=uri, help=f"default: {uri}")
    arguments = parser.parse_args()
    if {"/", ":"} & set(arguments.experiment):
        raise InputError("--experiment may hold neither '/' nor ':', as models are named after it")
    finished = Finished.read(arguments.rev)
    if arguments.rev == "HEAD" and _changed():
        note = "the workspace has changed since HEAD; what is logged is HEAD,"
        print(f"note: {note} {finished.commit[:7]}", file=sys.stderr)
    with mlflow_at(arguments.tracking_uri) as client:
        experiment = find_experiment(client, arguments.experiment)
        log(finished, client, experiment, arguments.experiment)
        if chosen := promoted.read():
            pointed = point_at_promoted(client, arguments.experiment, chosen)
            advice = f"not logged yet: --rev {chosen.revision[:7]} does it"
            print(f"{ALIAS}: {', '.join(pointed) or advice}")
    print(f"{arguments.tracking_uri}/#/experiments/{experiment}")


def _changed() -> bool:
    status = ["git", "status", "--porcelain", "--untracked-files=no"]
    return bool(subprocess.run(status, capture_output=True, check=True).stdout)  # noqa: S603


if __name__ == "__main__":
    run(main)
