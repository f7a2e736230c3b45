"""Files as a revision has them, out of git, DVC's cache or its remote; nothing is checked out."""

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import RevError

from src.errors import InputError

WORKSPACE = "workspace"  # as DVC calls the working folder


def read(revision: str, *paths: str) -> list[bytes]:
    """Read some files of one revision.

    Parameters
    ----------
    revision : str
        A commit, branch or tag, the name of a DVC experiment, or ``workspace``.
    *paths : str
        Relative to the root of the repository; tracked by git or by DVC.

    Raises
    ------
    InputError
        The revision is unknown or has no such file, or its content is neither in the cache nor to
        be had from the remote.
    """
    try:
        repository = Repo(rev=None if revision == WORKSPACE else revision)
    except RevError:
        raise InputError(
            f"unknown revision '{revision}': name a commit, a branch, a tag, a DVC experiment, or "
            f"'{WORKSPACE}'"
        ) from None
    except DvcException as error:
        raise InputError(f"'{revision}' cannot be read: {error}") from None
    with repository:
        files = DVCFileSystem(repository)
        contents = []
        for path in paths:
            if not files.isfile(path):
                raise InputError(
                    f"'{revision}' has no {path}: nothing wrote it then. Take a later revision"
                )
            try:
                contents.append(files.read_bytes(path))
            except Exception as error:  # every kind of remote has exceptions of its own
                remote = repository.config["core"].get("remote", "none is configured")
                cause = "not there" if isinstance(error, FileNotFoundError) else error
                raise InputError(
                    f"{path} of '{revision}' is neither in DVC's cache nor to be had from its "
                    f"remote ({remote}): {cause}. Set up the remote until 'dvc pull' works, 'dvc "
                    "push' it where it was made, or run 'dvc repro' on that revision"
                ) from None
        return contents
