"""What patients agreed to, and when they took it back."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "consents",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("patient", sa.Integer, sa.ForeignKey("people.number"), nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("guardian", sa.String(128)),
        sa.Column("given_at", sa.String(32), nullable=False),
        sa.Column("withdrawn_at", sa.String(32)),
    )
    op.create_index("consents_patient", "consents", ["patient"])


def downgrade() -> None:
    op.drop_table("consents")
