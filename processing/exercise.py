"""What an exercise is to the processing: a value, with the source of each number beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Exercise:
    """One exercise, one leg.

    movement: `turn` about the vertical, `lift` of a leg that lies, `swing` of a shank that hangs.
    right_sign: of a turn seen from above, counter-clockwise positive, on the right leg; the left is its mirror.
    max_rom_deg: nothing human beyond. wobble_deg: how far the vertical may wander in the sensor, for a
    turn, or the heading for a lift, before the movement is another one.
    rest_slope_deg: how far from the horizontal the leg of a lift may rest, from the vertical that of a swing.
    sure_deg: a first movement of less waits for a second one like it.
    recognised: whether it is told from the others of these where nobody has said which exercise is done.
    pelvis_shows: a pelvis that helps moves the leg in a way of its own; where it does not, one sensor claims nothing.
    terminal_rotation: the foot turns out at the top. placements: where the band may sit.
    mdc_deg: minimal detectable change of its range of motion; None: nobody has published one that would carry over.
    track: the joints' movement, for the simulator only (keyword arguments of `sensor.motion.Movement`).
    """

    name: str
    title: str
    movement: Literal["turn", "lift", "swing"]
    max_rom_deg: float
    wobble_deg: float
    right_sign: int = 1
    rest_slope_deg: float = 90.0
    sure_deg: float = 10.0  # SIGNALS: the smallest real ones are 6 to 8
    recognised: bool = True
    pelvis_shows: bool = True
    terminal_rotation: bool = False
    placements: tuple[str, ...] = ("ankle", "thigh")
    mdc_deg: float | None = None
    track: dict[str, Any] = field(default_factory=dict)
