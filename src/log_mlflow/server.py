"""An MLflow server to talk to; what goes wrong becomes a sentence."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from src.errors import InputError

if TYPE_CHECKING:
    from mlflow import MlflowClient

SERVER = "http://127.0.0.1:5000"  # where `make mlflow` listens
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # by default it keeps trying for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@contextmanager
def mlflow_at(uri: str) -> Iterator["MlflowClient"]:
    """A client of a server; what MLflow raises becomes one sentence.

    Raises
    ------
    InputError
        The server does not answer, refuses, or cannot reach its own database or artifacts.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # seconds to import, and it reads these variables then
    from mlflow.exceptions import MlflowException

    mlflow.set_tracking_uri(uri)
    try:
        yield mlflow.MlflowClient()
    except MlflowException as error:
        raise InputError(_sentence(uri, str(error).splitlines()[0])) from None


def _sentence(uri: str, cause: str) -> str:
    reason = re.search(r"\[Errno -?\d+\] ([\w ]+)|Read timed out", cause)
    if reason:
        return (
            f"MLflow at {uri} does not answer ({reason[1] or reason[0]}): start it with 'make "
            "mlflow', or name another by MLFLOW_TRACKING_URI or --tracking-uri"
        )
    if "403" in cause or "Invalid Host" in cause:
        host = uri.partition("://")[2].partition("/")[0]
        return (
            f"MLflow at {uri} refuses to be asked by this name: start it with "
            f"MLFLOW_SERVER_ALLOWED_HOSTS={host} (several are separated by commas)"
        )
    if "mlflow-artifacts/" in cause:
        cause = "it cannot store artifacts; its own log says why (bucket, keys, endpoint)"
    return f"MLflow at {uri}: {cause}. Log again then: what is half logged will be replaced"


def find_experiment(client: "MlflowClient", name: str) -> str:
    """Id of an experiment, made if there is none.

    Raises
    ------
    InputError
        It was deleted.
    """
    found = client.get_experiment_by_name(name)
    if not found:
        return str(client.create_experiment(name))
    number = str(found.experiment_id)
    if found.lifecycle_stage != "active":
        raise InputError(
            f"experiment '{name}' was deleted: 'mlflow experiments restore --experiment-id "
            f"{number}' on the server brings it back, or name another with --experiment"
        )
    return number
