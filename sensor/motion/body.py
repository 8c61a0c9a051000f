"""A body from the trunk down to one ankle: joint angles -> where the bones are and how they are turned.

World: x forward, y left, z up, metres. Each bone carries the same axes when the person stands upright.
Everything is written for a right leg; a left one is its mirror image in the plane y = 0.
Angles in radians, positive: hip_flexion forward · hip_abduction and hip_rotation outward · knee_flexion
bends · tilt pelvis forward · roll pelvis towards the moving leg, about the body's long axis · hike moving
side up. So, seen from above and counter-clockwise positive, right outward rotation is negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from sensor.motion.turns import about, apply, chain

THIGH_M = 0.42  # hip to knee; about 0.245 of a height of 1.70 m (Winter's tables)
SHANK_M = 0.42  # knee to ankle
HIPS_M = 0.18  # between the two hip joints
STOOL_M = 0.50  # no source: a stool that leaves the thigh vertical
# Leaning the trunk forward by a pushes the hips back by this x sin a: tilts a planted thigh by about 0.6 a.
LEAN_M = 0.25

JOINTS = ("hip_flexion", "hip_abduction", "hip_rotation", "knee_flexion")
PELVIS = ("tilt", "roll", "hike")
# heading, pitch and bank turn the whole body, x y z move its pelvis; planted = 1: the knee is held by the stool.
CHANNELS = ("heading", "pitch", "bank", "x", "y", "z", "planted", *PELVIS, *JOINTS)
# How far a band has been pushed round what it is worn on, seen from the hip's end, counter-clockwise: radians.
BANDS = {"ankle": "ankle_band", "thigh": "thigh_band", "pelvis": "pelvis_band"}


@dataclass(frozen=True, slots=True)
class Pose:
    """How a body rests: whole-body turn (radians), pelvis height (m) and the joints."""

    pitch: float = 0.0
    bank: float = 0.0
    z: float = THIGH_M + SHANK_M + 0.08
    planted: float = 0.0
    hip_flexion: float = 0.0
    hip_abduction: float = 0.0
    hip_rotation: float = 0.0
    knee_flexion: float = 0.0

    def channels(self) -> dict[str, float]:
        return asdict(self)


RIGHT_ANGLE = np.pi / 2
POSES = {
    "standing": Pose(),
    "kneeling": Pose(z=STOOL_M + THIGH_M, planted=1.0, knee_flexion=RIGHT_ANGLE),  # on a stool, the other leg stands
    "sitting": Pose(z=0.5, hip_flexion=RIGHT_ANGLE, knee_flexion=RIGHT_ANGLE),
    "side_lying": Pose(z=0.6, bank=RIGHT_ANGLE),  # on the other side: the moving leg is on top
    "supine": Pose(z=0.5, pitch=-RIGHT_ANGLE),
    "prone": Pose(z=0.5, pitch=RIGHT_ANGLE),
}


@dataclass(frozen=True, slots=True, eq=False)
class Bones:
    """n instants: turns bone -> world (4, n), and joint centres (3, n) m."""

    pelvis: np.ndarray
    thigh: np.ndarray
    shank: np.ndarray
    sacrum_m: np.ndarray
    hip_m: np.ndarray
    knee_m: np.ndarray


def bones(angles: Mapping[str, np.ndarray], side: str) -> Bones:
    """Forward kinematics of n instants; `angles` holds one (n,) array per channel."""
    a = angles
    planted = a["planted"]
    free = 1.0 - planted
    body = chain(about("z", a["heading"]), about("y", a["pitch"]), about("x", -a["bank"]))
    roll = about("z", -a["roll"])
    pelvis = chain(body, roll, about("y", a["tilt"]), about("x", -a["hike"]))
    # A free leg hangs from the pelvis and follows it in everything. A planted one follows only its turn: tilt
    # and hike are taken up in the hip joint, and what is left of them is how far the hip is pushed sideways.
    carrier = chain(roll, about("y", free * a["tilt"]), about("x", -free * a["hike"]))
    push = np.stack([-HIPS_M * np.sin(a["roll"]) - LEAN_M * np.sin(a["tilt"]), HIPS_M * (1 - np.cos(a["roll"]))])
    joint = chain(about("y", -a["hip_flexion"]), about("x", -a["hip_abduction"]), about("z", -a["hip_rotation"]))
    thigh = chain(body, _lean(push * planted / THIGH_M), carrier, joint)
    shank = chain(thigh, about("y", a["knee_flexion"]))

    sacrum = np.stack([a["x"], a["y"], a["z"]])
    hanging = sacrum + apply(pelvis, [0.0, -HIPS_M / 2, 0.0])
    stool = sacrum + apply(body, [0.0, -HIPS_M / 2, -THIGH_M])  # where the knee is planted
    down_thigh = apply(thigh, [0.0, 0.0, -THIGH_M])
    hip = free * hanging + planted * (stool - down_thigh)
    found = Bones(pelvis, thigh, shank, sacrum, hip, hip + down_thigh)
    return found if side == "right" else _mirror(found)


def _lean(push: np.ndarray) -> np.ndarray:
    """The smallest turn that takes a vertical unit vector to one whose horizontal part is `push` (2, n)."""
    length = np.minimum(np.hypot(*push), 1.0)
    cosine = np.sqrt((1 + np.sqrt(1 - length**2)) / 2)  # of half the angle
    x, y = push / (2 * cosine)
    return np.stack([cosine, -y, x, np.zeros_like(x)])


def _mirror(b: Bones) -> Bones:
    turn, place = np.array([[1.0], [-1.0], [1.0], [-1.0]]), np.array([[1.0], [-1.0], [1.0]])
    return Bones(b.pelvis * turn, b.thigh * turn, b.shank * turn, b.sacrum_m * place, b.hip_m * place, b.knee_m * place)
