"""What a physio writes down of a patient, and to them; overviews are made anew, because they carry what the list draws."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("patient", sa.Integer, sa.ForeignKey("people.number"), nullable=False),
        sa.Column("made_by", sa.Integer, sa.ForeignKey("people.number"), nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("to_patient", sa.Boolean, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("taken_back_at", sa.String(32)),
    )
    op.create_index("notes_patient", "notes", ["patient"])
    op.execute(sa.table("overviews").delete())


def downgrade() -> None:
    op.execute(sa.table("overviews").delete())
    op.drop_table("notes")
