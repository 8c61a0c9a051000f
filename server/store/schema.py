"""The tables. A change here needs a migration (migrations/versions), and a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# `number` is internal and short, because every packet carries it; `id` (UUIDv7) is what the outside sees.
# Times are ISO 8601, UTC.
sessions = Table(
    "sessions",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("key", String(64), nullable=False, unique=True),  # the client's: creating twice makes one
    Column("exercise", String(64)),
    Column("side", String(8), nullable=False),
    Column("placement", String(16), nullable=False),
    Column("driver", String(64), nullable=False),
    Column("band", String(128), nullable=False),
    Column("info", LargeBinary, nullable=False),  # the info characteristic, byte-exact
    Column("started_at", String(32), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("recording", String(128)),  # file in the recordings directory, once the journal is compacted
    Index("sessions_open", "ended_at"),
)

# The journal. `band` is the band's number within the session: 0, until a session has two.
packets = Table(
    "packets",
    metadata,
    Column("session", Integer, ForeignKey("sessions.number"), primary_key=True),
    Column("band", Integer, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("position", BigInteger, primary_key=True),  # the client's unwrapped index
    Column("host_ns", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# What a version of the processing made of a session; the newest row is the one shown.
results = Table(
    "results",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("session", Integer, ForeignKey("sessions.number"), nullable=False),
    Column("version", String(32), nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("counted", Integer, nullable=False),
    Column("good", Integer, nullable=False),
    Column("compensated", Integer, nullable=False),
    Column("partial", Integer, nullable=False),
    Column("document", Text, nullable=False),  # hiprep.session/1, JSON
    Column("curve", LargeBinary, nullable=False),  # curve.py
    UniqueConstraint("session", "version"),
)
