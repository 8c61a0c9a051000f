"""How full a band was when its session began."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("battery_percent", sa.Integer))


def downgrade() -> None:
    op.drop_column("sessions", "battery_percent")
