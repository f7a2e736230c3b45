"""How Alembic runs the migrations: on the connection that the service, or a person, gives it."""

import sqlalchemy as sa
from alembic import context

from src.service.feedback.store import database, feedback
from src.service.settings import Settings


def _run(connection: sa.Connection) -> None:
    context.configure(connection=connection, target_metadata=feedback.metadata)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with sa.create_engine(database(Settings().database_url)).begin() as made:
        _run(made)
