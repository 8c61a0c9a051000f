"""What the pelvis did during a repetition, as far as one sensor on the leg can see it.

A turn: pure hip rotation leaves the vertical on a fixed cone about the axis; a pelvis that tilts or
turns tips the leg off it. A lift: the leg rolls while it still rises, or swings forward.
Pelvic hike is invisible from the leg, and pelvic yaw looks like hip rotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from processing.axis import Lift, ups
from processing.orientation import Frame
from processing.results import Compensation

PELVIS_WARN_DEG = 5.0  # CONTRACT: so much pelvis rotation is a compensation
TURN_LEVER = 0.43  # SIGNALS: the thigh tilts by 0.43 of a pelvic turn, 0.6 of a forward tilt; the smaller one
EARLY_ROLL_DEG = 10.0  # roll while rising; a real leg rolls by a few degrees as it leaves its rest (ours)
RISEN = 0.80  # of the range of motion: up to here the leg is still being lifted (ours)
OWN_TERMINAL = 0.5  # SIGNALS: missing is under half of the person's own
MIN_TERMINAL_DEG = 10.0  # less than this is no terminal rotation to miss (ours)


def turn_deviation(frames: Sequence[Frame]) -> float:
    """Largest angle in degrees between the vertical in the sensor and where it was at the start."""
    up = ups(frames)
    return float(np.degrees(np.arccos(np.clip((up @ up[0]).min(), -1.0, 1.0))))


def turn_compensation(deviation_deg: float) -> tuple[Compensation, ...]:
    """From the leg alone tilt and turn of the pelvis look the same."""
    if deviation_deg < PELVIS_WARN_DEG * TURN_LEVER:
        return ()
    return (Compensation("other", deviation_deg),)


def lift_roll(lift: Lift, frames: Sequence[Frame], angle: np.ndarray) -> tuple[float, float]:
    """Roll about the leg in degrees: (terminal, at the top; early, while the leg was still rising)."""
    roll = np.abs(lift.roll(frames))
    peak = int(angle.argmax())
    rom = angle[peak] - angle[0]
    risen = int(np.flatnonzero(angle - angle[0] >= RISEN * rom)[0])
    return float(roll.max() - roll[risen]), float(np.abs(roll[: risen + 1] - roll[0]).max())


def lift_compensation(early_deg: float) -> tuple[Compensation, ...]:
    """A leg that rolls while it rises is carried by a pelvis that rolls back."""
    return (Compensation("roll", early_deg),) if early_deg >= EARLY_ROLL_DEG else ()


def terminal_flags(terminal_deg: float, early_deg: float, own_deg: Sequence[float]) -> list[str]:
    """Remarks on the turn-out, measured against the person's own repetitions before."""
    own = median(own_deg) if own_deg else 0.0
    flags = []
    if early_deg >= EARLY_ROLL_DEG:
        flags.append("early_rotation")
    if own >= MIN_TERMINAL_DEG and terminal_deg < OWN_TERMINAL * own:
        flags.append("missing_terminal_rotation")
    return flags
