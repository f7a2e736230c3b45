"""Files as a revision has them, out of git, DVC's cache or its remote; nothing is checked out."""

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import RevError, resolve_rev

from src.compare.git import git, unknown
from src.errors import InputError

_RAW = (".csv", ".csv.gz", ".txt.gz", ".gz", ".zip", ".parquet", ".pq")
_NOT_RAW = ("plots/", "metrics/", "src/", "tests/", "docs/")
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
    with _opened(revision) as repository:
        files = DVCFileSystem(repository)
        contents = []
        for path in paths:
            if not files.isfile(path):
                _check_pipeline(repository, revision)
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


def in_git(revision: str, *paths: str) -> dict[str, bytes]:
    """Read those of some files that a revision has, by path; files that git tracks.

    Raises
    ------
    InputError
        The revision is unknown.
    """
    with _opened(revision) as repository:
        files = repository.fs
        root = repository.root_dir
        there = [path for path in paths if files.isfile(files.join(root, path))]
        return {path: files.read_bytes(files.join(root, path)) for path in there}


def _opened(revision: str) -> Repo:
    try:
        return Repo(rev=None if revision == WORKSPACE else revision)
    except RevError:
        raise unknown(
            revision, f"name a commit, a branch, a tag, a DVC experiment, or '{WORKSPACE}'"
        ) from None
    except DvcException as error:
        raise InputError(f"'{revision}' cannot be read: {error}") from None


def _check_pipeline(repository: Repo, revision: str) -> None:
    """Say what is wrong if DVC cannot read the pipeline: then it knows of no output at all."""
    try:
        _ = repository.index.outs
    except Exception as error:  # of DVC, and of the libraries by which it reads
        raise InputError(f"DVC cannot read the pipeline of '{revision}': {error}") from None


def raw_files(revision: str) -> list[str]:
    """Raw data that lie in a commit, where everybody who gets the repository would see them.

    Tables and archives, other than the small ones of the project itself. DVC commits what git does
    not ignore when it runs an experiment.
    """
    with Repo() as repository:
        commit = resolve_rev(repository.scm, revision)
    names = git("ls-tree", "-r", "--name-only", "-z", commit).split("\0")
    return [name for name in names if name.lower().endswith(_RAW) and not name.startswith(_NOT_RAW)]


def raw_files_sentence(revision: str) -> str:
    """What to do about raw data in a commit; empty if there are none."""
    names = raw_files(revision)
    if not names:
        return ""
    return (
        f"'{revision}' holds raw data in git: {', '.join(names[:3])}"
        f"{', …' if len(names) > 3 else ''}. Do not push it: keep raw files in data/raw, which git "
        "ignores, and remove the commit, or the experiment with 'dvc exp remove'"
    )
