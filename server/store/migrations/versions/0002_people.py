"""Clinics, people, what lets them in, and the trail of what they did."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "clinics",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "people",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("clinic", sa.Integer, sa.ForeignKey("clinics.number"), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("admin", sa.Boolean, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("email", sa.String(254), unique=True),
        sa.Column("password", sa.String(256)),
        sa.Column("totp", sa.String(64)),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("disabled_at", sa.String(32)),
    )
    op.create_index("people_clinic", "people", ["clinic"])
    op.create_table(
        "assignments",
        sa.Column("staff", sa.Integer, sa.ForeignKey("people.number"), primary_key=True),
        sa.Column("patient", sa.Integer, sa.ForeignKey("people.number"), primary_key=True),
    )
    op.create_index("assignments_patient", "assignments", ["patient"])
    op.create_table(
        "invitations",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("person", sa.Integer, sa.ForeignKey("people.number")),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("used_at", sa.String(32)),
    )
    op.create_index("invitations_person", "invitations", ["person"])
    op.create_table(
        "logins",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("person", sa.Integer, sa.ForeignKey("people.number"), nullable=False),
        sa.Column("stage", sa.String(8), nullable=False),
        sa.Column("pending", sa.String(64)),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("seen_at", sa.String(32), nullable=False),
    )
    op.create_index("logins_person", "logins", ["person"])
    op.create_table(
        "pairings",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("patient", sa.Integer, sa.ForeignKey("people.number"), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
    )
    op.create_index("pairings_patient", "pairings", ["patient"])
    op.create_table(
        "devices",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("patient", sa.Integer, sa.ForeignKey("people.number"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("revoked_at", sa.String(32)),
    )
    op.create_index("devices_patient", "devices", ["patient"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("clinic", sa.String(36)),
        sa.Column("actor", sa.String(36)),
        sa.Column("device", sa.String(36)),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(36)),
        sa.Column("object", sa.String(64)),
        sa.Column("before", sa.String(64), nullable=False, unique=True),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("audit_subject", "audit", ["subject"])
    op.add_column("sessions", sa.Column("patient", sa.Integer))
    op.create_index("sessions_patient", "sessions", ["patient", "id"])


def downgrade() -> None:
    op.drop_index("sessions_patient", "sessions")
    op.drop_column("sessions", "patient")
    op.drop_table("audit")
    op.drop_table("devices")
    op.drop_table("pairings")
    op.drop_table("logins")
    op.drop_table("invitations")
    op.drop_table("assignments")
    op.drop_table("people")
    op.drop_table("clinics")
