"""The token of a feedback: what was sent twice is stored once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add it."""
    op.add_column("feedback", sa.Column("token", sa.String(64)))
    op.create_index("feedback_token", "feedback", ["key", "token"], unique=True)


def downgrade() -> None:
    """Remove it."""
    op.drop_index("feedback_token", "feedback")
    op.drop_column("feedback", "token")
