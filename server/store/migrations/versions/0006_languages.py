"""The language that somebody chose; overviews are made anew, because reasons are no longer kept in English."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("people", sa.Column("language", sa.String(8)))
    op.execute(sa.table("overviews").delete())


def downgrade() -> None:
    op.execute(sa.table("overviews").delete())
    with op.batch_alter_table("people") as people:
        people.drop_column("language")
