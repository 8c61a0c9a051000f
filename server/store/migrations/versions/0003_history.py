"""Jobs that count again, corrections by hand, and since when a session gets no packets."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("idle_since", sa.String(32)))
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.number"), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("finished_at", sa.String(32)),
        sa.Column("version", sa.String(32)),
        sa.Column("outcome", sa.String(16)),
        sa.Column("error", sa.Text),
    )
    op.create_index("jobs_state", "jobs", ["state"])
    op.create_index("jobs_session", "jobs", ["session"])
    op.create_table(
        "corrections",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.number"), nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("at_s", sa.Float, nullable=False),
        sa.Column("end_s", sa.Float),
        sa.Column("label", sa.String(16)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("person", sa.Integer),
        sa.Column("made_at", sa.String(32), nullable=False),
    )
    op.create_index("corrections_session", "corrections", ["session"])


def downgrade() -> None:
    op.drop_table("corrections")
    op.drop_table("jobs")
    op.drop_column("sessions", "idle_since")
