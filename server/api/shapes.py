"""What goes in and comes out, as the OpenAPI description shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from processing.results import SessionResult


def _hex(text: str) -> str:
    bytes.fromhex(text)
    return text


def printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"not printable (wanted printable characters, got {text!a})")
    return text


def _utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("not a time in UTC (wanted one in the years 1 to 9999)") from None


SHOWN = 50  # versions of a session beside it; no source
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True), AfterValidator(printable)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]


def file_of(media_type: str) -> dict[str, Any]:
    """How a route describes that it answers with a file."""
    schema = {"type": "object"} if media_type.endswith("json") else {"type": "string", "format": "binary"}
    return {"description": "the file", "content": {media_type: {"schema": schema}}}


class NewSession(BaseModel):
    """A session that is about to begin."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(
        pattern=r"^[A-Za-z0-9_-]{8,64}$",
        description="chosen by the client, once a session: creating again with the same key returns the same session",
        examples=["4f7c1d52-0f0a-4f5e-9a77-6a1b0c3f9a10"],
    )
    exercise: Name | None = Field(description="null: recognise it", examples=["hip_external_rotation"])
    side: Literal["left", "right"]
    placement: Literal["ankle", "thigh"] = "ankle"
    driver: Name = Field(description="the band's model", examples=["hiprep-band"])
    band: Annotated[str, AfterValidator(printable)] = Field(
        min_length=1, max_length=128, description="which band", examples=["C0:FF:EE:00:00:01"]
    )
    info: Annotated[str, AfterValidator(_hex)] = Field(
        max_length=1024, description="what the band says about itself (its info characteristic), hexadecimal"
    )
    started_at: Annotated[AwareDatetime, AfterValidator(_utc)]


class Tally(BaseModel):
    """Repetitions by kind: counted = good + compensated."""

    counted: int
    good: int
    compensated: int
    partial: int


class SessionHead(BaseModel):
    """A session without its repetitions."""

    id: str
    exercise: str | None
    side: str
    placement: str
    driver: str
    band: str
    battery_percent: int | None = Field(description="of the band when the session began (header `Hiprep-Battery`); null: not known")
    started_at: str = Field(description="ISO 8601, UTC")
    created_at: str
    ended_at: str | None
    state: Literal["waiting", "receiving", "lost", "ended"] = Field(
        description="waiting: no packets since the server's start; lost: they came and stopped"
    )
    tally: Tally | None = Field(description="null: not ended and not in memory")


class SessionList(BaseModel):
    sessions: list[SessionHead] = Field(description="newest first")
    next: str | None = Field(description="`before` of the next page; null: this is the last")


class Job(BaseModel):
    """A session to be counted again by the present code."""

    id: str
    state: Literal["queued", "running", "done", "failed"]
    attempts: int
    made_at: str
    finished_at: str | None
    version: str | None = Field(description="of the processing that counted")
    outcome: Literal["counted", "confirmed", "differs"] | None = Field(
        description="counted: a result of a version that had none; confirmed: the version's stored result came out again;"
        " differs: it did not, and the stored one stays"
    )
    error: str | None


class NewCorrection(BaseModel):
    """What a person says against the count."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["add", "remove", "relabel"]
    at_s: float = Field(ge=0, description="a time within the repetition; of one that is added: where it begins")
    end_s: float | None = Field(None, description="add: where it ends")
    label: Literal["good", "compensated", "partial", "out_of_pose"] | None = Field(None, description="add, relabel")
    reason: Words
    author: Annotated[Words, Field(max_length=128)] | None = Field(
        None, description="who says so, on a server without accounts; else it is whoever is logged in"
    )


class Correction(NewCorrection):
    id: str
    made_at: str


class Version(BaseModel):
    """A result of the session; the newest is the one shown."""

    version: str
    made_at: str
    tally: Tally


class Changed(BaseModel):
    before: dict[str, Any]
    after: dict[str, Any]
    changes: dict[str, list[Any]] = Field(description="field -> [before, after], where they differ by more than rounding")


class Difference(BaseModel):
    """From the version before the newest to the newest, repetition by repetition."""

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[Changed]


class Corrected(BaseModel):
    """The newest result with the corrections laid over it."""

    reps: list[dict[str, Any]] = Field(
        description="as in the result, with `by_hand`, ids of corrections, and `removed`; of an added one little is known"
    )
    tally: Tally
    unmatched: list[str] = Field(description="corrections of repetitions that the newest result does not have")


class Results(BaseModel):
    versions: list[Version] = Field(description="the newest first")
    next: str | None = Field(description="`before` of the next page; null: this is the last")


class History(BaseModel):
    versions: list[Version] = Field(description=f"the newest {SHOWN}, of them the newest last; the others are at /results")
    difference: Difference | None = Field(description="null: there is one version only")
    job: Job | None = Field(description="the newest")
    corrections: list[Correction]
    corrected: Corrected | None = Field(description="null: without corrections")


class SessionFull(SessionHead):
    """A session with what was made of it; while it runs, of what came so far."""

    version: str = Field(description="of the processing that counted")
    final: bool
    result: SessionResult = Field(description="hiprep.session/1")
    history: History | None = Field(description="null: it has not ended")


class Acknowledged(BaseModel):
    """All packets of `epoch` up to `acknowledged` are on disk and survive whatever happens to the server."""

    epoch: int
    acknowledged: int | None = Field(description="null: the first packet of the epoch is missing")
    stored: int = Field(description="of this frame, new")
    duplicates: int = Field(description="of this frame, stored before with the same bytes")


class Curve(BaseModel):
    """The leg's angle from the present repetition's rest, about 25 points a second."""

    t_s: list[float]
    angle_deg: list[float | None]
    next: int = Field(description="`since` of the next request")
