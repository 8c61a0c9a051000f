"""How long a band is waited for, and how often it is tried again."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_ATTEMPTS = 3  # to connect to a band that is seen: Windows' "Unreachable", disturbed radios
LOW_BATTERY = 5  # percent: likely why a band is gone (ours)
CHARGE_SOON = 20  # percent: may not last for another session (ours)
GARBLED = 5  # packets that cannot be read, and none that can: it is not the radio (ours)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, s. From field reports about bleak; none is measured on hardware of ours."""

    scan: float = 10.0
    twins: float = 1.0  # after a band of that name was seen: is there another?
    connect: float = 20.0  # with services
    answer: float = 3.0  # of the control point
    silence: float = 3.0  # without a packet: ask the band whether it is there
    deaf: float = 30.0  # without a packet though the band answers: connect anew
    backoff: float = 0.5  # before the first attempt to reconnect, doubled each time
    backoff_most: float = 30.0
    good: float = 5.0  # of data, until the next break counts as a first one
    give_up: float = 600.0  # after the last data


def charge(percent: int) -> str:
    """A battery in words, with what to do about it."""
    advice = ": charge it now" if percent <= LOW_BATTERY else ": charge it soon" if percent <= CHARGE_SOON else ""
    return f"{percent} %{advice}"


def backoff(attempt: int, patience: Patience, chance: float) -> float:
    """s before an attempt. The jitter (`chance` 0 to 1) keeps two clients from colliding again and again."""
    return min(patience.backoff * 2.0 ** min(attempt, 30), patience.backoff_most) * (0.5 + chance / 2)
