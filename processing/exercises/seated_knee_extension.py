"""Seated knee extension: thigh on the chair, shank hanging; the knee is straightened, and bent again."""

from processing.exercise import Exercise

EXERCISE = Exercise(
    name="seated_knee_extension",
    title="Seated knee extension",
    movement="swing",
    max_rom_deg=140.0,  # from full flexion to straight (ours)
    wobble_deg=60.0,  # as for the lifts (ours)
    rest_slope_deg=60.0,  # nearer to hanging than to lying, whether the heel is under the chair or in front (ours)
    sure_deg=30.0,  # a heel drawn back under the chair goes no further (ours)
    pelvis_shows=False,  # it tilts the leg as the joint does, and real feet roll as they please (ours)
    recognised=False,
    placements=("ankle",),  # the thigh keeps still
    # From a right angle to nearly straight: AAOS, Knee Conditioning Program, asks for "as high as possible". The tempo is ours.
    track={
        "pose": "sitting", "joint": "knee_flexion", "sign": -1, "rom_deg": 80.0,
        "concentric_s": 2.0, "hold_s": 1.0, "eccentric_s": 2.0,
    },  # fmt: skip
)
