"""One session on its way through decoder and Tracker. No database, no clock, no thread."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any, NamedTuple

import processing
from processing.errors import ProcessingError
from processing.results import Event, Rep, SessionResult, rounded
from processing.tracker import Tracker
from sensor.devices import driver_named
from sensor.frames import Entry
from sensor.samples import Samples
from server.curve import encode_curve
from server.rows import Result, Session
from server.times import now

log = logging.getLogger("hiprep.server")
IMPORTED = "recording"  # instead of a band's model: the session came as a file, without packets
NEW = ("counted", "partial")  # events that bring a repetition; the others speak of one that is known


class News(NamedTuple):
    """After some packets, for who keeps the session. state: only where somebody watches."""

    samples: int
    tally: dict[str, int]
    messages: list[dict[str, Any]]
    state: dict[str, Any] | None


class Counting:
    """The same packets in, the same result out: live, after a restart, or years later.

    They come in order (order.py), each once. The Tracker is fed packet by packet, so that not even `counted_s` depends on
    how they were batched.
    """

    def __init__(self, session: Session) -> None:
        self._decoder = None if session.driver == IMPORTED else driver_named(session.driver).decoder(session.info)
        self.packets = self.samples = 0  # that have been counted
        self._uncounted = 0  # packets whose samples the Tracker refused
        self._tracker = Tracker(session.exercise, session.side, session.placement)
        self._reps: tuple[Rep, ...] = ()
        self._total = self.tally()

    def feed(self, due: Iterable[Entry]) -> list[Event]:
        events: list[Event] = []
        for entry in due:
            self.packets += 1
            events += self._update(self._decoder.feed(entry.packet, entry.host_ns))
        return self._seen(events)

    def news(self, due: Iterable[Entry], watched: bool) -> News:
        """Of them."""
        return self._news(self.feed(due), watched)

    def replay(self, blocks: Iterable[Samples]) -> None:
        """The samples of its recording instead of its packets, as they arrived."""
        for block in blocks:
            self._seen(self._update(block))

    def finish(self) -> list[Event]:
        """The end: nothing more comes."""
        events = self._update(self._decoder.flush()) if self._decoder else []
        return self._seen(events + self._tracker.finish())

    def finished(self) -> tuple[News, Result]:
        """The same, and what there is to store."""
        return self._news(self.finish(), watched=True), self.stored()

    def result(self) -> SessionResult:
        return self._tracker.result()

    def document(self) -> dict[str, Any]:
        """The contract's object."""
        document = self.result().as_json()
        if self._uncounted:
            document["quality"] = document["quality"] | {"uncounted_packets": self._uncounted}
        return document

    def curve(self, since: int = 0) -> tuple[list[float], list[float | None]]:
        return self._tracker.curve(since)

    def tally(self, in_set: int | None = None) -> dict[str, int]:
        """Repetitions by kind, of one set or of all."""
        reps = [rep for rep in self._reps if in_set in (None, rep.set)]
        kinds = [kind_of(rep) for rep in reps]
        counts = {kind: kinds.count(kind) for kind in ("good", "compensated", "partial")}
        return {"counted": sum(rep.counted for rep in reps)} | counts

    def state(self) -> dict[str, Any]:
        """What a page shows of the counting now."""
        live = self._tracker.live
        roms = [rep.rom_deg for rep in self._reps if rep.counted]
        return {
            "packets": self.packets,
            "t_s": live.t,
            "exercise": live.exercise,
            "angle_deg": None if live.angle_deg is None else round(live.angle_deg, 2),
            "in_pose": live.in_pose,
            "still_s": round(live.still_s, 2),
            "set": live.set,
            "usual_deg": round(median(roms), 2) if roms else None,
            **self.tally(live.set),
            "total": self._total,
            "set_reps": [kind_of(rep) for rep in self._reps if rep.set == live.set],
            "set_roms_deg": [round(rep.rom_deg, 1) for rep in self._reps if rep.set == live.set and rep.counted],
        }

    def stored(self) -> Result:
        return Result(
            version=processing.VERSION,
            made_at=now(),
            document=json.dumps(self.document(), separators=(",", ":")),
            curve=encode_curve(*self.curve()),
            **self.tally(),
        )

    def messages(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Of the newest events, for pages."""
        number = len(self._reps) - sum(event.kind in NEW for event in events)
        told = []
        for event in events:
            number += event.kind in NEW
            told.append(message_of(event, number))
        return told

    def _news(self, events: Sequence[Event], watched: bool) -> News:
        return News(self.samples, self._total, self.messages(events), self.state() if watched else None)

    def _update(self, samples: Samples) -> list[Event]:
        if not len(samples):
            return []
        self.samples += len(samples)
        try:
            return self._tracker.update(samples)
        except ProcessingError as error:  # they stay in the journal; the session goes on
            self._uncounted += 1
            log.warning("samples not counted: %s", error)
            return []

    def _seen(self, events: list[Event]) -> list[Event]:
        if events:
            self._reps = self._tracker.reps
            self._total = self.tally()
        return events


def kind_of(rep: Rep) -> str:
    """One word, as on the screen."""
    if not rep.counted:
        return "partial" if "partial" in rep.flags else "out_of_pose"
    return "compensated" if rep.compensated else "good"


def message_of(event: Event, number: int) -> dict[str, Any]:
    """A repetition, the session's number-th; the end of a set; another exercise than the one told: as the pages hear of it."""
    if event.kind == "other":
        return {"type": "other", "at_s": event.at_s, "exercise": event.exercise}
    if event.kind == "set_ended":
        return {"type": "set", "at_s": event.at_s, "set": event.set.set, "reps": event.set.reps}
    rep = event.rep
    return {"type": "rep", "event": event.kind, "number": number, "at_s": event.at_s, "kind": kind_of(rep), "rep": rounded(asdict(rep))}
