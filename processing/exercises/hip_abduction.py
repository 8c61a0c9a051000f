"""Side-lying hip abduction: the straight upper leg is lifted, the foot turned out at the top, and lowered."""

from processing.exercise import Exercise

EXERCISE = Exercise(
    name="hip_abduction",
    title="Side-lying hip abduction",
    movement="lift",
    max_rom_deg=80.0,  # a leg lifted further is no longer abducted (ours)
    wobble_deg=60.0,  # real legs swing forward as they rise (ours)
    rest_slope_deg=45.0,  # half-way between a leg that lies and one that stands (ours)
    terminal_rotation=True,
    track={  # Kouyoumdjian 2012 for the range of motion; the tempo is ours
        "pose": "side_lying", "joint": "hip_abduction", "sign": 1, "rom_deg": 30.0,
        "concentric_s": 2.0, "hold_s": 1.0, "eccentric_s": 2.0,
        "terminal_joint": "hip_rotation", "terminal_deg": 25.0,
    },  # fmt: skip
)
