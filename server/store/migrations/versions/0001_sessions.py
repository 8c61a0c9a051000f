"""Sessions, the journal of their packets, their results."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("exercise", sa.String(64)),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("placement", sa.String(16), nullable=False),
        sa.Column("driver", sa.String(64), nullable=False),
        sa.Column("band", sa.String(128), nullable=False),
        sa.Column("info", sa.LargeBinary, nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("recording", sa.String(128)),
    )
    op.create_index("sessions_open", "sessions", ["ended_at"])
    op.create_table(
        "packets",
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.number"), primary_key=True),
        sa.Column("band", sa.Integer, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("host_ns", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "results",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.number"), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("good", sa.Integer, nullable=False),
        sa.Column("compensated", sa.Integer, nullable=False),
        sa.Column("partial", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("curve", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("session", "version"),
    )


def downgrade() -> None:
    op.drop_table("results")
    op.drop_table("packets")
    op.drop_index("sessions_open", "sessions")
    op.drop_table("sessions")
