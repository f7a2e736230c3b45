"""Feedback: kept in a database; what was dismissed or accepted is in cooldown for a while."""

import datetime
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field, NonNegativeFloat

from src.errors import InputError
from src.params import Section

_MIGRATIONS = Path(__file__).parent / "migrations"
_WITHDRAWN = "withdrawn"
_OUT_OF_ORDER = 1_000  # ids: a commit may be seen after one with a higher id

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
)


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

    def __init__(self, url: str, settings: FeedbackSettings, *, integer_ids: bool) -> None:
        self._days: dict[str, float] = {
            **{str(action): days for action, days in settings.cooldown_days.items()},
            _WITHDRAWN: 0,
        }
        self._identity = int if integer_ids else str
        self._cooldowns: dict[int | str, dict[str, float]] = {}
        self._seen = 0
        self._lock = threading.Lock()
        parsed = database(url)
        try:
            self._engine = _engine(parsed)
            with self._engine.begin() as connection:
                migrate(connection)
            self.refresh()
        except (sa.exc.SQLAlchemyError, OSError) as error:
            where = parsed.render_as_string(hide_password=True)
            cause = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise InputError(f"feedback cannot be kept in {where}: {cause}") from None

    def add(self, row: dict[str, Any]) -> int:
        """Store one feedback; when this returns, it is on disk."""
        received = datetime.datetime.now(datetime.UTC)
        values = {**row, "customer": str(row["customer"]), "received_at": received}
        with self._engine.begin() as connection:
            result = connection.execute(sa.insert(feedback).values(values))
        assert result.inserted_primary_key is not None  # noqa: S101
        identity = int(result.inserted_primary_key[0])
        if row["action"] in self._days:
            self._remember(row["customer"], {row["product"]: self._end(row["action"], received)})
        return identity

    def refresh(self) -> None:
        """Learn what other processes have stored since the last time."""
        if not any(self._days.values()):
            return
        longest = datetime.timedelta(days=max(self._days.values()))
        since = datetime.datetime.now(datetime.UTC) - longest
        rows = (
            sa.select(feedback)
            .where(feedback.c.id > self._seen - _OUT_OF_ORDER, feedback.c.received_at > since)
            .where(feedback.c.action.in_(list(self._days)))
            .order_by(feedback.c.id)
        )
        found: dict[int | str, dict[str, float]] = {}
        with self._engine.connect() as connection:
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

    def export(self, after: int, limit: int) -> Iterator[dict[str, Any]]:
        """Feedback with ids above `after`, oldest first."""
        rows = sa.select(feedback).where(feedback.c.id > after).order_by(feedback.c.id).limit(limit)
        with self._engine.connect() as connection:
            for row in connection.execute(rows):
                line = {str(name): value for name, value in row._mapping.items()}
                line["received_at"] = _with_zone(row.received_at).isoformat(timespec="milliseconds")
                yield line

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


def _engine(url: sa.URL) -> sa.Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = sa.create_engine(url, pool_pre_ping=not is_sqlite)
    if not is_sqlite:
        return engine
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)

    @sa.event.listens_for(engine, "connect")
    def _durable(connection: Any, _: Any) -> None:
        """A commit waits for the disk: what was acknowledged survives a kill and a power cut."""
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _with_zone(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
