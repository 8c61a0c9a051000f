"""How to get into an exercise's pose and what to do there: three short lines each. The movements: README, Exercises."""

from __future__ import annotations

from server.language import N_, _

TURN = (N_("Stand tall, one knee on a stool."), N_("Point the shin straight back and hold on to something."))
HOW = {
    "hip_external_rotation": (*TURN, N_("Pull the foot slowly inward, and let it come back.")),
    "hip_internal_rotation": (*TURN, N_("Pull the foot slowly outward, and let it come back.")),
    "hip_abduction": (
        N_("Lie on your side, the working leg on top, straight."),
        N_("Lift it, and turn the foot up at the top."),
        N_("Turn the foot back, and lower the leg slowly."),
    ),
    "seated_knee_extension": (
        N_("Sit upright, the thigh on the chair, the shin hanging."),
        N_("Straighten the knee slowly."),
        N_("Bend it again, without letting go."),
    ),
    "straight_leg_raise": (
        N_("Lie on your back, the other knee bent."),
        N_("Lift the straight leg slowly."),
        N_("Lower it, and touch down softly."),
    ),
    "prone_hip_extension": (
        N_("Lie on your belly, legs straight."),
        N_("Lift the straight leg a little."),
        N_("Lower it slowly; the pelvis stays on the floor."),
    ),
}
ANY = (N_("Get into the pose that you were shown."), N_("Hold still for a moment."), N_("Then begin, slowly."))


def how(exercise: str | None) -> list[str]:
    return [_(line) for line in HOW.get(exercise, ANY)]
