"""What an exercise is to the processing: a value, with the source of each number beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Exercise:
    """One exercise, one leg.

    movement: `turn` about the vertical, `lift` against gravity.
    right_sign: of a turn seen from above, counter-clockwise positive, on the right leg; the left is its mirror.
    max_rom_deg: nothing human beyond. wobble_deg: how far the vertical may wander in the sensor, for a
    turn, or the heading for a lift, before the movement is another one.
    rest_slope_deg: how far from the horizontal the leg of a lift may rest.
    terminal_rotation: the foot turns out at the top. placements: where the band may sit.
    mdc_deg: minimal detectable change of its range of motion; None: nobody has published one that would carry over.
    track: the joints' movement, for the simulator only (keyword arguments of `sensor.motion.Movement`).
    """

    name: str
    title: str
    movement: Literal["turn", "lift"]
    max_rom_deg: float
    wobble_deg: float
    right_sign: int = 1
    rest_slope_deg: float = 90.0
    terminal_rotation: bool = False
    placements: tuple[str, ...] = ("ankle", "thigh")
    mdc_deg: float | None = None
    track: dict[str, Any] = field(default_factory=dict)
