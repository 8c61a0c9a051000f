"""What really happened in each repetition: the labels, and the phases that CONTRACT.md defines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from sensor.motion.plan import Done
from sensor.motion.turns import apply, chain, inverse
from sensor.recording import Label

DEG = np.pi / 180
COMPENSATED_DEG = 5.0  # of pelvis rotation: CONTRACT.md
TOP = 0.05  # CONTRACT.md: the hold is the time within 5 % of the ROM of the top
PHASES_HZ = 100.0
HANGING_DEG = 45.0  # from the horizontal: nearer to hanging than to lying


def labels_of(
    done: Sequence[Done], at: Callable[[np.ndarray], np.ndarray], pelvis: Rotation, rate_hz: float,
    on_band: Callable[[float], float], offset_s: float = 0.0,
) -> list[Label]:  # fmt: skip
    """What the bone under the sensor really did in each repetition, compensations and sway included; less what a
    thigh's skin does not follow.

    at: its turns (4, n) at a person's times. pelvis: its turn at every sample. on_band: a person's time -> seconds
    since the recording began, when the band's clock showed offset_s.
    """
    if not done:
        return []
    times = np.array([(d.start_s, d.lifted_s, d.top_s, d.turn_s) for d in done])
    rest, lift, peak, straight = (at(t) for t in times.T)
    turned = twist(chain(peak, inverse(rest)))
    raised = raised_deg(rest, lift)
    rolled = twist(chain(inverse(straight), peak))
    labels = []
    for i, d in enumerate(done):
        first, last = (int(on_band(t) * rate_hz) for t in (d.start_s, d.end_s))
        pelvis_deg = float((pelvis[first].inv() * pelvis[first : last + 1]).magnitude().max() / DEG)
        compensated = pelvis_deg >= COMPENSATED_DEG
        kind = (d.kind or "other") if compensated else "early_rotation" if d.early else None
        labels.append(
            Label(
                start_s=round(float(on_band(d.start_s) + offset_s), 4),
                end_s=round(float(on_band(d.end_s) + offset_s), 4),
                set=d.set,
                exercise=d.exercise,
                counted=d.counted,
                rom_deg=round(float(abs((turned if d.rotates else raised)[i])), 2),
                terminal_rotation_deg=round(float(abs(rolled[i])), 2) if d.terminal else None,
                compensated=compensated,
                kind=kind,
                pelvis_deg=round(pelvis_deg, 2),
            )
        )
    return labels


def phases_of(done: Sequence[Done], at: Callable[[np.ndarray], np.ndarray]) -> list[tuple[float, float, float]]:
    """Concentric, hold and eccentric seconds of each repetition."""
    if not done:
        return []
    times = [np.arange(d.start_s, d.end_s, 1 / PHASES_HZ) for d in done]
    turns = at(np.concatenate(times))
    found, i = [], 0
    for d, t in zip(done, times, strict=True):
        here = turns[:, i : i + len(t)]
        i += len(t)
        angle = twist(chain(here, inverse(here[:, :1]))) if d.rotates else raised_deg(here[:, :1], here)
        angle = np.abs(angle)
        held = t[angle >= (1 - TOP) * angle.max()]
        found.append((float(held[0] - d.start_s), float(held[-1] - held[0]), float(d.end_s - held[-1])))
    return found


def twist(turns: np.ndarray) -> np.ndarray:
    """The part of each turn (4, n) about z, degrees in -180..180."""
    w, _, _, z = turns
    return (np.degrees(2 * np.arctan2(z, w)) + 180) % 360 - 180


def raised_deg(rest: np.ndarray, now: np.ndarray) -> np.ndarray:
    """How far the lower end of a bone (4, n) has risen, degrees: one that lay, by its elevation; one that hung, by the
    angle between where it points now and then, for whichever way that goes it rises, and near the vertical hardly."""
    before, after = (apply(bone, [0.0, 0.0, -1.0]) for bone in (rest, now))
    low = np.degrees(np.arcsin(np.clip(before[2], -1, 1)))
    between = np.degrees(np.arccos(np.clip((before * after).sum(axis=0), -1, 1)))
    return np.where(np.abs(low) > HANGING_DEG, between, elevation(now) - low)


def elevation(bone: np.ndarray) -> np.ndarray:
    """How far the lower end of the bone (4, n) points above the horizontal, degrees."""
    return np.degrees(np.arcsin(np.clip(apply(bone, [0.0, 0.0, -1.0])[2], -1, 1)))
