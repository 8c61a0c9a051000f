"""The tables. A change here needs a migration (migrations/versions), and a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
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
    Column("patient", Integer),  # people.number; null: of the one person of a server without accounts
    Column("idle_since", String(32)),  # since when an open session is known to get no packets
    Column("battery_percent", Integer),  # of the band when it began; null: it did not say
    Index("sessions_open", "ended_at"),
    Index("sessions_patient", "patient", "id"),
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

# Whoever has an account. `role` is staff or patient; `admin` only of staff. What is secret is here as a hash, but for
# `totp`, which has to be compared: RFC 6238's key, base32.
clinics = Table(
    "clinics",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("name", String(128), nullable=False),
    Column("time_zone", String(64), nullable=False),  # IANA
    Column("created_at", String(32), nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("clinic", Integer, ForeignKey("clinics.number"), nullable=False),
    Column("role", String(8), nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("name", String(128), nullable=False),
    Column("email", String(254), unique=True),  # null: the invitation has not been taken up
    Column("password", String(256)),  # argon2id
    Column("totp", String(64)),
    Column("totp_step", BigInteger, nullable=False),  # the last one taken: a code works once
    Column("created_at", String(32), nullable=False),
    Column("disabled_at", String(32)),
    Column("language", String(8)),  # null: what the browser asks for
    Index("people_clinic", "clinic"),
)

assignments = Table(
    "assignments",
    metadata,
    Column("staff", Integer, ForeignKey("people.number"), primary_key=True),
    Column("patient", Integer, ForeignKey("people.number"), primary_key=True),
    Index("assignments_patient", "patient"),
)

# Links that work once. person null: it makes a clinic and its first admin.
invitations = Table(
    "invitations",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("person", Integer, ForeignKey("people.number")),
    Column("expires_at", String(32), nullable=False),
    Column("used_at", String(32)),
    Index("invitations_person", "person"),
)

# A browser that somebody is logged in with. stage `password`: the second factor is still to come, and `pending` is the
# key of one that is being set up.
logins = Table(
    "logins",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("person", Integer, ForeignKey("people.number"), nullable=False),
    Column("stage", String(8), nullable=False),
    Column("pending", String(64)),
    Column("created_at", String(32), nullable=False),
    Column("seen_at", String(32), nullable=False),
    Index("logins_person", "person"),
)

# A short code that turns into a device's token, once.
pairings = Table(
    "pairings",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("patient", Integer, ForeignKey("people.number"), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Index("pairings_patient", "patient"),
)

devices = Table(
    "devices",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("patient", Integer, ForeignKey("people.number"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
    Index("devices_patient", "patient"),
)

# Who read, changed or exported whose data. Ids and no content: it stays when a person's data go. Each row's hash holds
# the one before, and no two rows follow the same one.
audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("clinic", String(36)),
    Column("actor", String(36)),  # a person; null: nobody yet, or the terminal
    Column("device", String(36)),
    Column("action", String(32), nullable=False),
    Column("subject", String(36)),  # the person it is about
    Column("object", String(64)),
    Column("before", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
    Index("audit_subject", "subject"),
)

# Sessions to be counted again, by whatever version runs then. state: queued, running, done or failed; `outcome` of one
# that is done: see jobs.py.
jobs = Table(
    "jobs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("session", Integer, ForeignKey("sessions.number"), nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("finished_at", String(32)),
    Column("version", String(32)),
    Column("outcome", String(16)),
    Column("error", Text),
    Index("jobs_state", "state"),
    Index("jobs_session", "session"),
)

# What a person says of a session against what was counted; the counted stays as it is. Never changed, only followed by
# another one. `at_s` to `end_s`: the added repetition; else a time within the one that is meant.
corrections = Table(
    "corrections",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("session", Integer, ForeignKey("sessions.number"), nullable=False),
    Column("action", String(8), nullable=False),  # add, remove, relabel
    Column("at_s", Float, nullable=False),
    Column("end_s", Float),
    Column("label", String(16)),  # good, compensated, partial, out_of_pose
    Column("reason", Text, nullable=False),
    Column("author", String(128), nullable=False),
    Column("person", Integer),  # who was logged in, once there are accounts
    Column("made_at", String(32), nullable=False),
    Index("corrections_session", "session"),
)

# What was done of each exercise in a session, by its newest result and what was corrected by hand (parts.py): what lists
# and adherence are made of.
parts = Table(
    "parts",
    metadata,
    Column("session", Integer, ForeignKey("sessions.number"), primary_key=True, autoincrement=False),
    Column("exercise", String(64), primary_key=True),
    Column("side", String(8), nullable=False),
    Column("reps", Integer, nullable=False),  # counted
    Column("watched", Integer, nullable=False),  # of them, those in which the pelvis could be seen
    Column("compensated", Integer, nullable=False),  # of the watched
    Column("rom_deg", Float),  # median of the counted
)

# A patient's programme; a change makes a new version and the old ones stay.
programmes = Table(
    "programmes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("patient", Integer, ForeignKey("people.number"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("starts_on", String(10), nullable=False),  # a day in the clinic's time zone
    Column("quiet_days", Integer, nullable=False),  # so long without a session raises attention
    Column("pain_stop", Integer, nullable=False),  # pain above it stops the session and raises attention
    Column("note", Text, nullable=False),  # to the patient
    Column("made_at", String(32), nullable=False),
    Column("made_by", Integer, ForeignKey("people.number"), nullable=False),
    UniqueConstraint("patient", "version"),
)

items = Table(
    "items",
    metadata,
    Column("programme", Integer, ForeignKey("programmes.number"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True),
    Column("exercise", String(64), nullable=False),
    Column("side", String(8), nullable=False),
    Column("sets", Integer, nullable=False),
    Column("reps", Integer, nullable=False),
    Column("per_week", Integer, nullable=False),
    Column("weeks", Integer, nullable=False),
    Column("concentric_s", Float, nullable=False),
    Column("hold_s", Float, nullable=False),
    Column("eccentric_s", Float, nullable=False),
    Column("rom_target_deg", Float),
    Column("band", String(16)),
)

# What a patient says of a session: pain and exertion 0 to 10, null where not said.
reports = Table(
    "reports",
    metadata,
    Column("session", Integer, ForeignKey("sessions.number"), primary_key=True, autoincrement=False),
    Column("pain_before", Integer),
    Column("pain_worst", Integer),
    Column("pain_after", Integer),
    Column("exertion", Integer),
    Column("stopped", String(16)),
    Column("note", Text, nullable=False),
    Column("made_at", String(32), nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("patient", Integer, ForeignKey("people.number"), nullable=False),
    Column("questionnaire", String(64), nullable=False),
    Column("version", String(32), nullable=False),
    Column("given", Text, nullable=False),  # JSON: the option chosen of each item
    Column("score", Float, nullable=False),
    Column("made_at", String(32), nullable=False),
    Index("answers_patient", "patient"),
)

# What the list of patients shows of each, as of a day: made when it is read, gone when something changes.
overviews = Table(
    "overviews",
    metadata,
    Column("patient", Integer, ForeignKey("people.number"), primary_key=True, autoincrement=False),
    Column("day", String(10), nullable=False),
    Column("document", Text, nullable=False),
)

# What a physio writes down of a patient, and never changes; or to them, shown till another one follows or it is taken back.
notes = Table(
    "notes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("patient", Integer, ForeignKey("people.number"), nullable=False),
    Column("made_by", Integer, ForeignKey("people.number"), nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("to_patient", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("taken_back_at", String(32)),
    Index("notes_patient", "patient"),
)

# What a patient agreed to, word for word. A withdrawal ends it; agreeing again is another row.
consents = Table(
    "consents",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("patient", Integer, ForeignKey("people.number"), nullable=False),
    Column("version", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("guardian", String(128)),  # the name of who agreed for a minor
    Column("given_at", String(32), nullable=False),
    Column("withdrawn_at", String(32)),
    Index("consents_patient", "patient"),
)

# Answers to what was asked with an Idempotency-Key, for a day (once.py).
once = Table(
    "once",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("asked", String(64), nullable=False),
    Column("patient", Integer, ForeignKey("people.number")),
    Column("made_at", String(32), nullable=False),
    Column("answer", Text, nullable=False),
    Index("once_made_at", "made_at"),
    Index("once_patient", "patient"),
)
