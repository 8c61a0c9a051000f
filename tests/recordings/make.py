"""Make the recordings of this folder anew: .venv/bin/python tests/recordings/make.py"""

from __future__ import annotations

from pathlib import Path

from scipy.spatial.transform import Rotation

from processing.exercises import EXERCISES
from sensor.motion import CHEAP, Simulation, session
from sensor.recording import labels_path, write_labels, write_recording

FOLDER = Path(__file__).parent
TRACKS = {name: exercise.track for name, exercise in EXERCISES.items()}
# One set of ten each; what is not said is `session`'s default: right ankle, 100 Hz, a good sensor, a clean person.
PLANS = {
    "external_rotation": dict(exercises="hip_external_rotation", seed=11, band_turn_deg=70.0),
    "internal_rotation": dict(
        exercises="hip_internal_rotation", seed=12, side="left", rate_hz=50.0, band_turn_deg=-120.0, partials=0.25
    ),
    "abduction": dict(
        exercises="hip_abduction", seed=13, mounting=Rotation.from_rotvec([0.4, -0.9, 2.0]), compensations=0.35
    ),
    "abduction_cheap_band": dict(exercises="hip_abduction", seed=14, side="left", faults=CHEAP, terminal=False),
}


def made(name: str) -> Simulation:
    return session(TRACKS, **PLANS[name])


if __name__ == "__main__":
    for name in PLANS:
        path = FOLDER / f"{name}.parquet"
        simulation = made(name)
        write_recording(path, simulation.recording)
        write_labels(labels_path(path), simulation.labels)
