"""Straight-leg raise: on the back, the other knee bent; the leg is lifted with the knee straight, and lowered."""

from processing.exercise import Exercise

EXERCISE = Exercise(
    name="straight_leg_raise",
    title="Straight-leg raise",
    movement="lift",
    max_rom_deg=100.0,  # straight up, and a little beyond (ours)
    wobble_deg=60.0,  # real legs swing outward as they rise (ours)
    rest_slope_deg=45.0,  # half-way between a leg that lies and one that stands (ours)
    pelvis_shows=False,  # it tilts the leg as the joint does, and real feet roll as they please (ours)
    recognised=False,  # which way a leg is lifted needs the strap's orientation (SIGNALS)
    # Until the knees are level, the other one bent (ours); AAOS, Knee Conditioning Program, asks for 6 to 10 inches, which
    # is 11 to 18 degrees of a leg of 0.8 m. The tempo is ours.
    track={
        "pose": "supine", "joint": "hip_flexion", "sign": 1, "rom_deg": 40.0,
        "concentric_s": 2.0, "hold_s": 1.0, "eccentric_s": 2.0,
    },  # fmt: skip
)
