"""Settings of the service: the environment (NEXTBEST_…) and service.yaml, checked at the start."""

import shutil
import subprocess
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the service listens, what it may use, where it keeps its state.

    Rates and limits are per process. A port of 0 switches the metrics off. A head is a request line
    and its headers. Behind a proxy all connections are of one address: that of the proxy. Questions
    about payments may be about so many days after the last that is known.
    """

    model_config = SettingsConfigDict(env_prefix="NEXTBEST_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=9100, ge=0, le=65_535)

    rules: Path = Path("service.yaml")
    state: Path = Path("data/service")
    keys: Path | None = None
    database: str | None = None
    revision: str | None = None
    docs: bool = False

    max_body_bytes: int = Field(default=65_536, ge=1_024)
    head_bytes: int = Field(default=16_384, ge=1_024, le=1_000_000)
    head_seconds: float = Field(default=10, gt=0)
    connections: int = Field(default=1_000, ge=1)
    connections_per_address: int = Field(default=200, ge=1)
    rate_per_second: float = Field(default=500, gt=0)
    rate_burst: int = Field(default=1_000, ge=1)
    timeout_seconds: float = Field(default=5, gt=0)
    reload_seconds: float = Field(default=120, gt=0)
    history_bytes: int = Field(default=100_000_000, ge=10_000)
    history_files: int = Field(default=10, ge=1)

    payments_days: int = Field(default=7, ge=1, le=31)

    drift_requests: int = Field(default=1_000, ge=1, le=1_000_000)
    drift_seconds: float = Field(default=3_600, gt=0)
    drift_least: int = Field(default=200, ge=1)

    @property
    def keys_file(self) -> Path:
        """Hashed API keys."""
        return self.keys or self.state / "keys.json"

    @property
    def history_file(self) -> Path:
        """Every answer, one JSON line each."""
        return self.state / "rec_history.log"

    @property
    def database_url(self) -> str:
        """Where feedback is kept; SQLite unless a URL of PostgreSQL is given."""
        return self.database or f"sqlite:///{self.state / 'feedback.db'}"


def git_revision(tracked: str = "dvc.lock") -> str:
    """Commit of the last run of the pipeline; ``unknown`` without git.

    A lock that differs from the one committed has ``-changed`` behind its revision.
    """
    git = shutil.which("git")
    if git is None or not Path(tracked).exists():
        return "unknown"
    log = subprocess.run(  # noqa: S603
        [git, "log", "-1", "--format=%h", "--", tracked],
        capture_output=True,
        text=True,
        check=False,
    )
    if log.returncode or not log.stdout.strip():
        return "unknown"
    changed = subprocess.run([git, "diff", "--quiet", "HEAD", "--", tracked], check=False)  # noqa: S603
    return log.stdout.strip() + ("-changed" if changed.returncode else "")
