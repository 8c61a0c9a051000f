"""The simulated person: physics that integrates back, signs by hand, truth that matches the signal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import cumulative_trapezoid
from scipy.spatial.transform import Rotation

from sensor.motion import CHEAP, GOOD, IDEAL, Faults, Movement, Rep, Set, Simulation, Still, TakePose, Variation
from sensor.motion import session, simulate
from sensor.motion.body import CHANNELS, POSES, bones
from sensor.samples import STANDARD_GRAVITY

TRACKS = {
    "outward": dict(
        pose="kneeling", joint="hip_rotation", sign=1, rom_deg=35.0, concentric_s=2.0, hold_s=1.0, eccentric_s=2.0
    ),
    "inward": dict(
        pose="kneeling", joint="hip_rotation", sign=-1, rom_deg=30.0, concentric_s=2.0, hold_s=1.0, eccentric_s=2.0
    ),
    "abduction": dict(
        pose="side_lying", joint="hip_abduction", sign=1, rom_deg=30.0, concentric_s=2.0, hold_s=1.0, eccentric_s=2.0,
        terminal_joint="hip_rotation", terminal_deg=25.0,
    ),
    "knee_extension": dict(
        pose="sitting", joint="knee_flexion", sign=-1, rom_deg=80.0, concentric_s=1.5, hold_s=1.0, eccentric_s=1.5
    ),
    "leg_raise": dict(
        pose="supine", joint="hip_flexion", sign=1, rom_deg=40.0, concentric_s=2.0, hold_s=1.0, eccentric_s=2.0
    ),
    "hip_extension": dict(
        pose="prone", joint="hip_flexion", sign=-1, rom_deg=15.0, concentric_s=1.5, hold_s=1.0, eccentric_s=1.5
    ),
}  # fmt: skip
QUIET = Variation(rom=0, tempo=0, pause=0, rest_deg=0, pose_deg=0, wobble_deg=0, tremor_deg=0)
everyone = pytest.mark.parametrize("name", TRACKS)


def perfect(name: str, **options) -> Simulation:
    """Ideal sensor, no variation, unless said otherwise."""
    return session(TRACKS, name, **dict(faults=IDEAL, variation=QUIET, reps=2) | options)


def at(simulation: Simulation, t: float) -> int:
    return int(np.searchsorted(simulation.recording.samples.t, t))


def only(**angles: float) -> dict[str, np.ndarray]:
    pose = {channel: 0.0 for channel in CHANNELS} | POSES[str(angles.pop("pose", "standing"))].channels()
    return {channel: np.array([value]) for channel, value in (pose | angles).items()}


@everyone
@pytest.mark.parametrize("placement", ["ankle", "thigh", "pelvis"])
def test_angular_velocity_integrates_to_the_orientation_and_force_to_the_path(name: str, placement: str) -> None:
    made = session(
        TRACKS, name, reps=1, lead_in_s=0.5, faults=IDEAL, placement=placement, rate_hz=500, side="left",
        mounting=Rotation.from_euler("XYZ", [20, -35, 50], degrees=True), compensations=1.0, seed=4,
    )  # fmt: skip
    s, truth = made.recording.samples, made.truth
    steps = Rotation.from_rotvec((s.gyr[:-1] + s.gyr[1:]) / 2 * np.diff(s.t)[:, None])
    turn, turns = truth.sensor[0], [truth.sensor[0]]
    for step in steps:
        turn = turn * step
        turns.append(turn)
    error = (Rotation.concatenate(turns).inv() * truth.sensor).magnitude()
    assert np.degrees(error.max()) < 0.02

    moving = truth.sensor.apply(s.acc) - [0, 0, STANDARD_GRAVITY]
    # Constants of integration are fitted: the path, not where it began, is what force determines.
    travelled = cumulative_trapezoid(cumulative_trapezoid(moving, s.t, axis=0, initial=0), s.t, axis=0, initial=0)
    line = np.stack([np.ones_like(s.t), s.t], axis=1)
    rest = truth.at_m - travelled
    rest -= line @ np.linalg.lstsq(line, rest, rcond=None)[0]
    assert np.abs(rest).max() < 2e-3


@given(turn=st.floats(-180, 180), askew=st.tuples(*[st.floats(-3, 3)] * 3), side=st.sampled_from(["left", "right"]))
@settings(max_examples=20)
def test_at_rest_a_band_reads_one_g_upward_however_it_sits(turn: float, askew: tuple[float, ...], side: str) -> None:
    for pose in POSES:
        made = simulate(
            [Still(0.2)], pose=pose, side=side, faults=IDEAL, variation=QUIET, band_turn_deg=turn,
            mounting=Rotation.from_rotvec(askew),
        )  # fmt: skip
        s = made.recording.samples
        assert np.allclose(made.truth.sensor.apply(s.acc), [0, 0, STANDARD_GRAVITY], atol=1e-6)
        assert np.allclose(s.gyr, 0, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "side", "sign"),
    [("outward", "right", -1), ("inward", "right", 1), ("outward", "left", 1), ("inward", "left", -1)],
)
def test_standing_rotations_turn_the_way_the_signs_say(name: str, side: str, sign: int) -> None:
    made = perfect(name, side=side)
    label = made.labels[0]
    turned = made.truth.sensor[at(made, (label.start_s + label.end_s) / 2)] * made.truth.sensor[0].inv()
    rom = TRACKS[name]["rom_deg"]
    assert np.degrees(turned.as_rotvec()) == pytest.approx([0, 0, sign * rom], abs=0.01)
    assert label.rom_deg == pytest.approx(rom, abs=0.2)


@everyone
@pytest.mark.parametrize("side", ["left", "right"])
def test_truth_is_the_planned_range_where_nothing_varies(name: str, side: str) -> None:
    made = perfect(name, side=side)
    assert [label.set for label in made.labels] == [1, 1]
    for label in made.labels:
        assert label.rom_deg == pytest.approx(TRACKS[name]["rom_deg"], abs=0.5)
        assert label.terminal_rotation_deg == (pytest.approx(25, abs=0.01) if name == "abduction" else None)
        assert (label.compensated, label.kind, label.counted) == (False, None, True)


def test_side_lying_terminal_rotation_points_the_foot_up() -> None:
    """The toes (x of the shank) point forward on lying down, and rise when the hip turns outward."""
    for side in ("left", "right"):
        toes = bones(only(pose="side_lying", hip_rotation=0.4), side).shank
        up = Rotation.from_quat(toes[:, 0], scalar_first=True).apply([1, 0, 0])[2]
        assert up == pytest.approx(np.sin(0.4))


def test_planted_leg_tilts_as_the_pelvis_leaves_its_place() -> None:
    """SIGNALS.md: 0.43 a for a pelvic turn, 0.6 a for the trunk forward, nothing for a hike."""
    a = np.radians(10)
    for cheat, share in (("roll", 0.43), ("tilt", 0.6), ("hike", 0.0)):
        found = bones(only(pose="kneeling", **{cheat: a}), "right")
        along = found.hip_m[:, 0] - found.knee_m[:, 0]
        tilt = np.arccos(np.clip(along[2] / np.linalg.norm(along), -1, 1))
        assert tilt == pytest.approx(share * a, abs=0.02 * a)
        assert np.linalg.norm(along) == pytest.approx(0.42)
        assert np.allclose(found.knee_m, bones(only(pose="kneeling"), "right").knee_m)


@everyone
def test_left_is_the_mirror_image_of_right(name: str) -> None:
    both = dict(reps=2, faults=IDEAL, compensations=0.5, seed=2)
    made = [session(TRACKS, name, side=side, **both) for side in ("left", "right")]
    left, right = (m.truth for m in made)
    assert np.allclose(left.at_m * [1, -1, 1], right.at_m)
    assert made[0].labels == made[1].labels
    acc_left, acc_right = (m.truth.sensor.apply(m.recording.samples.acc) for m in made)
    assert np.allclose(acc_left * [1, -1, 1], acc_right, atol=1e-6)


def test_one_person_two_bands() -> None:
    """The same seed at two placements is the same movement."""
    ankle, pelvis = (session(TRACKS, "outward", reps=2, placement=p, seed=9) for p in ("ankle", "pelvis"))
    assert np.allclose(ankle.truth.pelvis.as_quat(), pelvis.truth.pelvis.as_quat())
    assert ankle.labels == pelvis.labels
    noise = [s.recording.samples.gyr[:100] for s in (ankle, pelvis)]
    assert not np.allclose(noise[0], noise[1])


def test_same_seed_same_bytes_other_seed_other_person() -> None:
    one, same, other = (session(TRACKS, "abduction", reps=2, seed=seed).recording.samples for seed in (1, 1, 2))
    assert np.array_equal(one.raw.counts, same.raw.counts)
    assert len(one) != len(other) or not np.array_equal(one.raw.counts, other.raw.counts)


def test_compensated_repetitions_are_labelled_with_what_the_pelvis_did() -> None:
    movement = Movement(**TRACKS["outward"])
    reps = (Rep(), Rep(compensation=("tilt", 12.0)), Rep(compensation=("roll", -9.0)), Rep(compensation=("hike", 2.0)))
    made = simulate([Still(3), Set("e", movement, reps), Still(3)], pose="kneeling", variation=QUIET)
    assert [label.kind for label in made.labels] == [None, "tilt", "roll", None]
    assert [label.pelvis_deg for label in made.labels] == pytest.approx([0, 12, 9, 2], abs=0.05)
    assert [label.compensated for label in made.labels] == [False, True, True, False]
    # A pelvis turned against the leg takes from its range.
    assert [label.rom_deg for label in made.labels] == pytest.approx([35, 35, 26, 35], abs=0.5)


def test_a_calm_pelvis_stays_within_its_sway() -> None:
    made = session(TRACKS, ["outward", "abduction"], reps=8, seed=3)
    assert max(label.pelvis_deg for label in made.labels) < 3.0
    assert not any(label.compensated for label in made.labels)


def test_partials_come_after_the_first_full_repetition_and_do_not_count() -> None:
    for seed in range(5):
        made = session(TRACKS, "outward", reps=6, partials=0.6, seed=seed)
        counted = [label.counted for label in made.labels]
        assert counted[0] and sum(counted) == 6 and not all(counted)
        assert all(label.rom_deg < 0.45 * 35 for label in made.labels if not label.counted)


@given(rate=st.sampled_from([25.0, 50.0, 100.0, 200.0]), seed=st.integers(0, 50), sets=st.integers(1, 3))
@settings(max_examples=10)
def test_labels_lie_in_the_recording_in_order_and_begin_where_the_leg_moves(rate: float, seed: int, sets: int) -> None:
    made = session(TRACKS, ["outward", "abduction"], sets=sets, reps=3, rest_s=6, rate_hz=rate, seed=seed, faults=IDEAL)
    edges = [t for label in made.labels for t in (label.start_s, label.end_s)]
    s = made.recording.samples
    assert edges == sorted(edges) and edges[0] > s.t[0] and edges[-1] < s.t[-1]
    assert [label.set for label in made.labels] == sorted([1 + i for i in range(2 * sets)] * 3)
    speed = np.degrees(np.linalg.norm(s.gyr, axis=1))
    for label in made.labels:
        # 2 deg/s of the joint, give or take what sway and tremor add.
        assert speed[at(made, label.start_s + 0.3)] > 3
        assert speed[at(made, label.start_s - 0.2)] < 6


def test_faults_show_up_as_declared() -> None:
    biased = Faults(acc_bias=0.2, gyr_bias_deg=3.0)
    good, bad = (simulate([Still(20)], variation=QUIET, faults=f, seed=5).recording.samples for f in (IDEAL, biased))
    assert np.degrees(np.linalg.norm((bad.gyr - good.gyr).mean(axis=0))) == pytest.approx(3, abs=0.02)
    assert np.linalg.norm((bad.acc - good.acc).mean(axis=0)) == pytest.approx(0.2, abs=0.003)
    noisy = simulate([Still(60)], variation=QUIET, faults=Faults(gyr_noise_deg=0.04), rate_hz=50).recording.samples
    assert np.degrees(noisy.gyr.std(axis=0)) == pytest.approx([0.04 * 5] * 3, rel=0.1)
    for faults in (GOOD, CHEAP):
        s = simulate([Still(5)], faults=faults).recording.samples
        assert np.allclose(s.acc / (8 * STANDARD_GRAVITY / 32768), s.raw.counts[:, :3])


def test_lost_buffers_leave_holes_of_whole_buffers() -> None:
    made = simulate([Still(600)], faults=Faults(lost=0.05, burst=3, buffer=10), rate_hz=100, seed=1)
    s = made.recording.samples
    assert 1 - len(s) / 60000 == pytest.approx(0.05, abs=0.02)
    holes = np.diff(np.round(s.t * 100).astype(int)) - 1
    assert set(holes % 10) == {0} and holes.max() >= 20
    assert np.array_equal(np.flatnonzero(s.raw.flags & 1) - 1, np.flatnonzero(holes))
    assert len(made.truth.at_m) == len(s)


def test_a_fast_clock_stretches_the_recording_and_its_labels() -> None:
    exact, fast = (perfect("outward", faults=Faults(clock_ppm=ppm)) for ppm in (0, 10_000))
    assert fast.labels[-1].end_s == pytest.approx(exact.labels[-1].end_s * 1.01, abs=1e-3)
    assert fast.recording.samples.t[-1] == pytest.approx(exact.recording.samples.t[-1] * 1.01, abs=0.02)


def test_the_person_changes_pose_without_a_jerk() -> None:
    plan = [Still(1)] + [part for pose in POSES for part in (TakePose(pose), Still(1))]
    s = simulate(plan, faults=IDEAL).recording.samples
    assert np.linalg.norm(s.acc, axis=1).max() < 2 * STANDARD_GRAVITY
    assert np.degrees(np.abs(s.gyr).max()) < 120


@pytest.mark.parametrize("wrong", [{"pose": "flying"}, {"joint": "elbow"}, {"terminal_joint": "elbow"}])
def test_unknown_words_in_a_track_are_named(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="wanted one of .*, got '(flying|elbow)'"):
        Movement(**TRACKS["outward"] | wrong)
    with pytest.raises(ValueError, match="unknown placement"):
        simulate([Still(1)], placement="head")
