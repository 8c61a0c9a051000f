"""Standing hip internal rotation: knee on a stool, shank horizontal and pointing back, band at the ankle."""

from processing.exercise import Exercise

EXERCISE = Exercise(
    name="hip_internal_rotation",
    title="Hip internal rotation",
    movement="turn",
    right_sign=1,  # seen from above, counter-clockwise positive
    max_rom_deg=75.0,  # passive limits of the hip lie below (ours)
    wobble_deg=20.0,  # a pelvis cheating by 16 degrees moves the leg by 10 (levers of 0.43 and 0.6); twice that (ours)
    mdc_deg=5.4,  # active, seated: Krause et al., Knee Surg Sports Traumatol Arthrosc 2015;23:2562
    track={  # Kouyoumdjian 2012 for the range of motion; the tempo is ours
        "pose": "kneeling", "joint": "hip_rotation", "sign": -1, "rom_deg": 30.0,  # against a band a little less than free
        "concentric_s": 2.0, "hold_s": 1.0, "eccentric_s": 2.0,
    },  # fmt: skip
)
