"""What a patient agrees to before anything is recorded of them: our words, or the clinic's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from server.errors import StartError
from server.language import N_
from server.store.consents import Consent

OURS = N_("""While you exercise, hiprep keeps what the band on your leg measures (acceleration and rotation), the repetitions \
that are counted from it, and what you say about pain, exertion and the session.

It is there for you and for the physiotherapists of your clinic who look after you; nobody else sees it. The people who \
run the server for your clinic can reach it, and so can backups that they make.

You may take all of it along at any time, and ask your clinic to delete all of it. You may withdraw this consent on this \
page whenever you like: then nothing more is recorded. What was recorded before stays until it is deleted.

hiprep is a training aid and not a medical device. Nobody watches while you exercise: stop when it hurts.

For a child, a parent or guardian agrees, and shows the child how to stop.""")
LONGEST = 20_000  # letters; no source


@dataclass(frozen=True, slots=True)
class Text:
    """version: of these words; others are another version, and are asked anew."""

    words: str
    version: str

    def held(self, given: Consent | None) -> bool:
        """Whether what was agreed to is this, and still holds."""
        return given is not None and given.withdrawn_at is None and given.version == self.version


def load(path: Path) -> Text:
    """A clinic's own words are in `consent.txt` of the data directory. Raises StartError."""
    try:
        words = path.read_text("utf-8").strip() if path.exists() else OURS
    except (OSError, ValueError) as error:
        raise StartError(f"consent {path} cannot be used ({error})") from error
    if not 0 < len(words) <= LONGEST:
        raise StartError(f"consent {path} cannot be used (wanted 1 to {LONGEST} letters, got {len(words)})")
    return Text(words, hashlib.sha256(words.encode()).hexdigest()[:12])
