"""Programmes, what was done of them, and what patients say."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "parts",
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.number"), primary_key=True, autoincrement=False),
        sa.Column("exercise", sa.String(64), primary_key=True),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("reps", sa.Integer, nullable=False),
        sa.Column("watched", sa.Integer, nullable=False),
        sa.Column("compensated", sa.Integer, nullable=False),
        sa.Column("rom_deg", sa.Float),
    )
    op.create_table(
        "programmes",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("patient", sa.Integer, sa.ForeignKey("people.number"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("starts_on", sa.String(10), nullable=False),
        sa.Column("quiet_days", sa.Integer, nullable=False),
        sa.Column("pain_stop", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("made_by", sa.Integer, sa.ForeignKey("people.number"), nullable=False),
        sa.UniqueConstraint("patient", "version"),
    )
    op.create_table(
        "items",
        sa.Column("programme", sa.Integer, sa.ForeignKey("programmes.number"), primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("exercise", sa.String(64), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("sets", sa.Integer, nullable=False),
        sa.Column("reps", sa.Integer, nullable=False),
        sa.Column("per_week", sa.Integer, nullable=False),
        sa.Column("weeks", sa.Integer, nullable=False),
        sa.Column("concentric_s", sa.Float, nullable=False),
        sa.Column("hold_s", sa.Float, nullable=False),
        sa.Column("eccentric_s", sa.Float, nullable=False),
        sa.Column("rom_target_deg", sa.Float),
        sa.Column("band", sa.String(16)),
    )
    op.create_table(
        "reports",
        sa.Column("session", sa.Integer, sa.ForeignKey("sessions.number"), primary_key=True, autoincrement=False),
        sa.Column("pain_before", sa.Integer),
        sa.Column("pain_worst", sa.Integer),
        sa.Column("pain_after", sa.Integer),
        sa.Column("exertion", sa.Integer),
        sa.Column("stopped", sa.String(16)),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("patient", sa.Integer, sa.ForeignKey("people.number"), nullable=False),
        sa.Column("questionnaire", sa.String(64), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("given", sa.Text, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
    )
    op.create_index("answers_patient", "answers", ["patient"])
    op.create_table(
        "overviews",
        sa.Column("patient", sa.Integer, sa.ForeignKey("people.number"), primary_key=True, autoincrement=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("overviews")
    op.drop_table("answers")
    op.drop_table("reports")
    op.drop_table("items")
    op.drop_table("programmes")
    op.drop_table("parts")
