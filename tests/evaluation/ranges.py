"""Where the numbers of a simulated person may lie: the issue's, and others that are looked at only at the end."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Where a number may lie; the issue's."""

    tempo_s: Range = (2.2, 6.0)  # the whole repetition
    rom: Range = (0.55, 1.3)  # of the exercise's own
    small_deg: Range = (12.0, 14.0)
    pause_s: Range = (0.3, 2.5)
    long_pause: float = 0.1  # share of people who rest 5 to 6 s between repetitions
    rest_s: Range = (15.0, 40.0)
    reps: tuple[int, int] = (8, 12)
    rates_hz: tuple[float, ...] = (50.0, 60.0, 100.0, 104.0, 200.0)
    fast_s: Range = (1.3, 1.6)
    slow_s: Range = (6.0, 8.0)
    slow_hold_s: Range = (2.0, 5.0)
    terminal_deg: Range = (15.0, 40.0)
    partial: Range = (0.25, 0.33)
    left_over: Range = (0.05, 0.25)  # of the ROM that does not come back
    halt_s: Range = (0.3, 1.0)
    fatigue: float = 0.4
    cheat_deg: Range = (8.0, 16.0)
    wobble_deg: Range = (0.3, 1.5)
    settle_deg: float = 4.0
    push_deg: float = 12.0
    walk_s: Range = (6.0, 25.0)
    walk_hz: Range = (0.8, 1.0)
    swing_deg: Range = (28.0, 40.0)
    tap_hz: Range = (2.0, 3.5)
    lost: float = 0.05
    gap_s: Range = (3.0, 8.0)
    bias_deg_s: Range = (1.0, 3.0)
    ringing: float = 0.15


ISSUE = Ranges()
APART = Ranges(
    tempo_s=(1.9, 7.0), rom=(0.5, 1.45), small_deg=(10.0, 13.0), pause_s=(0.2, 3.5), long_pause=0.15,
    rest_s=(12.0, 55.0), reps=(5, 15), rates_hz=(40.0, 52.0, 75.0, 100.0, 119.0, 208.0), fast_s=(1.2, 1.5),
    slow_s=(7.0, 10.0), slow_hold_s=(3.0, 6.0), terminal_deg=(12.0, 45.0), partial=(0.2, 0.36), left_over=(0.08, 0.3),
    halt_s=(0.2, 1.3), fatigue=0.45, cheat_deg=(8.0, 20.0), wobble_deg=(0.2, 1.7), settle_deg=6.0, push_deg=20.0,
    walk_s=(4.0, 35.0), walk_hz=(0.7, 1.1), swing_deg=(22.0, 45.0), tap_hz=(1.9, 4.0), lost=0.07, gap_s=(3.0, 10.0),
    bias_deg_s=(2.0, 4.0), ringing=0.25,
)  # fmt: skip
