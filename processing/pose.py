"""Whether a movement was made in the exercise's pose and about its axis."""

from __future__ import annotations

import math

from processing.axis import Lift, Turn
from processing.exercise import Exercise
from processing.frames import Stretch
from processing.reps import MIN_S, RETURNED
from processing.results import Rep
from processing.swing import Swing

ASTRAY_DEG = 25.0  # real legs come back to 14 degrees, who sits up has turned by 39 and more beside the lift [M, S]
CHEATED = 0.5  # of the wobble allowed, which is twice what a cheating pelvis does (processing/exercises)


def fits(exercise: Exercise, axis: Turn | Lift | Swing, moved: Stretch, peak: int, rep: Rep, usual_deg: float | None) -> bool:
    """Not walking, not turning round, not another exercise. moved: as far as it is known · peak: the number of the frame ·
    usual_deg: how far astray the person's own repetitions are when they are told, None before a first one."""
    if rep.rom_deg > exercise.max_rom_deg or rep.end_s - rep.start_s < MIN_S * RETURNED:
        return False
    if exercise.movement == "turn":  # more of it about the vertical than away from it
        return moved.wander_deg <= min(exercise.wobble_deg, rep.rom_deg)
    if abs(axis.inclination_deg(moved.begins)) > exercise.rest_slope_deg:
        return False
    if usual_deg is not None and astray_deg(moved, rep) > ASTRAY_DEG + usual_deg:
        return False
    return abs(math.degrees(moved.headed(peak))) <= exercise.wobble_deg


def settles(exercise: Exercise, moved: Stretch, peak: int, rom_deg: float) -> bool:
    """Whether a leg may only have come to lie elsewhere: a turn that went further astray than a cheating pelvis takes it, a
    lift that went more aside than up. peak: the number of the frame."""
    if exercise.movement == "turn":
        return moved.wander_deg > CHEATED * exercise.wobble_deg
    return abs(math.degrees(moved.headed(peak))) > rom_deg


def astray_deg(moved: Stretch, rep: Rep) -> float:
    """How much more of the leg's turn than of its lift is not back."""
    return moved.astray_deg() - (1 - RETURNED) * rep.rom_deg
