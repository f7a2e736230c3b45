import pytest

from src.errors import InputError
from src.log_mlflow.finished import Finished


def test_the_workspace_is_no_revision() -> None:
    with pytest.raises(InputError, match="the workspace is no revision: commit it"):
        Finished.read("workspace")
