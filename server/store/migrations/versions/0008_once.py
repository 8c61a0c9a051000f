"""Answers to what was asked with an Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "once",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("asked", sa.String(64), nullable=False),
        sa.Column("patient", sa.Integer, sa.ForeignKey("people.number")),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
    )
    op.create_index("once_made_at", "once", ["made_at"])
    op.create_index("once_patient", "once", ["patient"])


def downgrade() -> None:
    op.drop_table("once")
