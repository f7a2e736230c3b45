"""Feedback: kept in a database; what was dismissed or accepted is in cooldown for a while.

A database that does not answer is no reason to wait: connecting and each statement have their time,
together shorter than a request's, and after a failure nothing is tried for a second.
"""

import contextlib
import datetime
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field, NonNegativeFloat

from src.errors import InputError
from src.params import Section
from src.service.private import make_private_file

logger = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"
_WITHDRAWN = "withdrawn"
_OUT_OF_ORDER = 1_000  # ids: a commit may be seen after one with a higher id
_REST_SECONDS = 1.0  # after a failure
_PAGE = 1_000  # rows that are read at once
_STEP = 0.4  # of the time of a request: to connect, and for a statement

feedback = sa.Table(
    "feedback",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("customer", sa.String(200), nullable=False),
    sa.Column("product", sa.String(200), nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("answer", sa.String(64)),
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("token", sa.String(64)),
    sa.Index("feedback_token", "key", "token", unique=True),
)
_EXPORTED = [column for column in feedback.columns if column.name != "token"]


class UnavailableError(Exception):
    """The database is down, full or too slow: a request may be repeated later."""


class FeedbackSettings(Section):
    """Days for which a product is not offered again, by action: the last one decides.

    0 ends a cooldown; an action without days changes nothing.
    """

    cooldown_days: dict[Literal["shown", "accepted", "dismissed"], NonNegativeFloat] = Field(
        default={}
    )


class Feedback:
    """The table of feedback, and which products of which customers are in cooldown.

    Raises
    ------
    InputError
        The database cannot be reached or migrated.
    """

    def __init__(
        self,
        url: str,
        settings: FeedbackSettings,
        *,
        integer_ids: bool,
        timeout_seconds: float = 5,
    ) -> None:
        self._seconds = timeout_seconds
        self._days: dict[str, float] = {
            **{str(action): days for action, days in settings.cooldown_days.items()},
            _WITHDRAWN: 0,
        }
        self._identity = int if integer_ids else str
        self._cooldowns: dict[int | str, dict[str, float]] = {}
        self._seen = 0
        self._lock = threading.Lock()
        self._since: float | None = None  # when the step under way began
        self._failed: float | None = None  # when the last step failed; None if it did not
        parsed = database(url)
        try:
            self._engine = _engine(parsed, _STEP * timeout_seconds)
            with self._engine.begin() as connection:
                if parsed.get_backend_name() != "sqlite":
                    connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
                migrate(connection)
                self._learn(connection)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            where = parsed.render_as_string(hide_password=True)
            raise InputError(f"feedback cannot be kept in {where}: {_cause(error)}") from None

    @property
    def available(self) -> bool:
        """Whether the database answered the last time, and does not keep us waiting now."""
        since = self._since
        waiting = since is not None and monotonic() - since > self._seconds
        return self._failed is None and not waiting

    def add(self, row: dict[str, Any]) -> tuple[int, bool]:
        """Store one feedback; when this returns, it is on disk.

        Returns
        -------
        int, bool
            Its id, and whether it is new: not if the same key has sent this token before.

        Raises
        ------
        UnavailableError
            The database failed. Whether it has stored the row is not known: with the same token, it
            may be sent again.
        InputError
            The token was sent before with other feedback.
        """
        received = datetime.datetime.now(datetime.UTC)
        values = {**row, "customer": str(row["customer"]), "received_at": received}
        with self._step():
            try:
                with self._engine.begin() as connection:
                    result = connection.execute(sa.insert(feedback).values(values))
            except sa.exc.IntegrityError:
                return self._stored_before(values), False
        assert result.inserted_primary_key is not None  # noqa: S101
        identity = int(result.inserted_primary_key[0])
        if row["action"] in self._days:
            self._remember(row["customer"], {row["product"]: self._end(row["action"], received)})
        return identity, True

    def _stored_before(self, values: dict[str, Any]) -> int:
        mine = (feedback.c.key == values["key"]) & (feedback.c.token == values["token"])
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(feedback).where(mine)).one()._mapping
        if any(found[name] != values[name] for name in ("customer", "product", "action")):
            raise InputError(
                f"token '{values['token']}' was sent before with other feedback, which has id "
                f"{found['id']}: make a new token for each, and repeat it only with the same"
            )
        return int(found["id"])

    def refresh(self) -> None:
        """Learn what other processes have stored since the last time.

        Raises
        ------
        UnavailableError
            The database failed.
        """
        with self._step(), self._engine.connect() as connection:
            self._learn(connection)

    def _learn(self, connection: sa.Connection) -> None:
        longest = datetime.timedelta(days=max(self._days.values()))
        since = datetime.datetime.now(datetime.UTC) - longest
        rows = (
            sa.select(feedback)
            .where(feedback.c.id > self._seen - _OUT_OF_ORDER, feedback.c.received_at > since)
            .where(feedback.c.action.in_(list(self._days)))
            .order_by(feedback.c.id)
        )
        found: dict[int | str, dict[str, float]] = {}
        for row in connection.execute(rows):
            self._seen = max(self._seen, row.id)
            customer = self._identity(row.customer)
            end = self._end(row.action, _with_zone(row.received_at))
            found.setdefault(customer, {})[row.product] = end
        for customer, ends in found.items():
            self._remember(customer, ends)

    def cooldown_days(self, action: str) -> float:
        """Days for which a product is in cooldown after an action."""
        return self._days.get(action, 0.0)

    def in_cooldown(self, customer: int | str | None, now: float) -> list[str]:
        """Products that a customer is not to be offered now."""
        ends = self._cooldowns.get(customer) if customer is not None else None
        return [product for product, end in ends.items() if end > now] if ends else []

    def export(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Feedback with ids above `after`, oldest first; at most a page of it.

        Raises
        ------
        UnavailableError
            The database failed.
        """
        rows = (
            sa.select(*_EXPORTED)
            .where(feedback.c.id > after)
            .order_by(feedback.c.id)
            .limit(min(limit, _PAGE))
        )
        lines = []
        with self._failing(), self._engine.connect() as connection:
            for row in connection.execute(rows):
                line = {str(name): value for name, value in row._mapping.items()}
                line["received_at"] = _with_zone(row.received_at).isoformat(timespec="milliseconds")
                lines.append(line)
        return lines

    @contextlib.contextmanager
    def _step(self) -> Iterator[None]:
        """One use of the database by the thread that stores; notes how it went."""
        if self._failed is not None and monotonic() - self._failed < _REST_SECONDS:
            raise UnavailableError("the database of feedback failed a moment ago")
        self._since = monotonic()
        try:
            with self._failing():
                yield
            self._failed = None
        finally:
            self._since = None

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError) as error:
            self._failed = monotonic()
            cause = _cause(error)
            logger.error("the database of feedback failed: %s", cause)
            raise UnavailableError(f"the database of feedback failed: {cause}") from None

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _end(self, action: str, received: datetime.datetime) -> float:
        days = self.cooldown_days(action)
        return received.timestamp() + days * 86_400 if days else 0

    def _remember(self, customer: int | str, ends: dict[str, float]) -> None:
        """Replace the ends of cooldowns at once: requests are answered meanwhile."""
        with self._lock:
            self._cooldowns[customer] = self._cooldowns.get(customer, {}) | ends


def database(url: str) -> sa.URL:
    """Read the URL of a database; postgresql:// means psycopg2, which is installed.

    Raises
    ------
    InputError
        It is no URL of SQLite or PostgreSQL.
    """
    try:
        parsed = sa.engine.make_url(url)
    except sa.exc.ArgumentError:
        parsed = None
    kind = parsed.get_backend_name() if parsed else None
    if parsed is None or kind not in {"sqlite", "postgresql"}:
        raise InputError(
            "NEXTBEST_DATABASE is no URL of a database: it looks like "
            "postgresql://user:password@host:5432/feedback or sqlite:///data/feedback.db"
        )
    plain = parsed.drivername == "postgresql"  # for which SQLAlchemy would take psycopg 3
    return parsed.set(drivername="postgresql+psycopg2") if plain else parsed


def migrate(connection: sa.Connection) -> None:
    """Bring the tables to the newest form."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _engine(url: sa.URL, seconds: float) -> sa.Engine:
    milliseconds = round(1000 * seconds)
    if url.get_backend_name() != "sqlite":
        given = {
            "connect_timeout": max(1, round(seconds)),
            "options": f"-c statement_timeout={milliseconds}",
            "tcp_user_timeout": milliseconds,  # where the network swallows everything
        }
        arguments = {name: value for name, value in given.items() if name not in url.query}
        return sa.create_engine(
            url, pool_pre_ping=True, pool_timeout=seconds, connect_args=arguments
        )
    engine = sa.create_engine(url)
    if url.database:
        path = Path(url.database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            if file == path or file.exists():  # SQLite makes those two with the mode of the first
                make_private_file(file)

    @sa.event.listens_for(engine, "connect")
    def _durable(connection: Any, _: Any) -> None:
        """A commit waits for the disk: what was acknowledged survives a kill and a power cut."""
        for pragma in (f"busy_timeout={milliseconds}", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _cause(error: Exception) -> str:
    """The first line of what a database says."""
    return (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0]


def _with_zone(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
