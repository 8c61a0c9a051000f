"""Prone hip extension: on the belly, the leg is lifted backward with the knee straight, and lowered."""

from processing.exercise import Exercise

EXERCISE = Exercise(
    name="prone_hip_extension",
    title="Prone hip extension",
    movement="lift",
    max_rom_deg=100.0,  # no hip goes so far, but a knee that bends along does (ours)
    wobble_deg=60.0,  # real legs swing outward as they rise (ours)
    rest_slope_deg=45.0,  # half-way between a leg that lies and one that stands (ours)
    pelvis_shows=False,  # it tilts the leg as the joint does, and real feet roll as they please (ours)
    recognised=False,  # which way a leg is lifted needs the strap's orientation (SIGNALS)
    # Patient instructions ask for 5 to 8 inches, which is 9 to 15 degrees of a leg of 0.8 m (ortho-institute.org, Knee
    # Exercises); normal are 10 to 20 (Norkin and White, Measurement of Joint Motion). The tempo is ours.
    track={
        "pose": "prone", "joint": "hip_flexion", "sign": -1, "rom_deg": 15.0,
        "concentric_s": 2.0, "hold_s": 1.0, "eccentric_s": 2.0,
    },  # fmt: skip
)
