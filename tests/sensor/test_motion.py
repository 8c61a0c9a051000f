"""The simulated person: physics that integrates back, signs by hand, truth that matches the signal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import cumulative_trapezoid
from scipy.spatial.transform import Rotation

from sensor.motion import (
    CHEAP, GOOD, IDEAL, Faults, Fidget, Movement, PushBand, Rep, Reseat, Scratch, Set, Shift, Simulation, Still,
    TakePose, Tap, Variation, Walk, session, simulate,
)  # fmt: skip
from sensor.motion.body import CHANNELS, POSES, bones
from sensor.motion.profiles import Drawn, Even, Skewed, TwoPhase, smooth
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


def assert_integrates_back(made: Simulation, turned_deg: float = 0.02, moved_m: float = 2e-3) -> None:
    """Angular velocity to the orientation, and specific force to the path."""
    s, truth = made.recording.samples, made.truth
    steps = Rotation.from_rotvec((s.gyr[:-1] + s.gyr[1:]) / 2 * np.diff(s.t)[:, None])
    turns, reach = Rotation.concatenate([truth.sensor[:1], steps]), 1
    while reach < len(turns):  # each the product of all up to it, doubling how far it reaches back
        turns = Rotation.concatenate([turns[:reach], turns[:-reach] * turns[reach:]])
        reach *= 2
    error = (turns.inv() * truth.sensor).magnitude()
    assert np.degrees(error.max()) < turned_deg

    moving = truth.sensor.apply(s.acc) - [0, 0, STANDARD_GRAVITY]
    # Constants of integration are fitted: the path, not where it began, is what force determines.
    travelled = cumulative_trapezoid(cumulative_trapezoid(moving, s.t, axis=0, initial=0), s.t, axis=0, initial=0)
    line = np.stack([np.ones_like(s.t), s.t], axis=1)
    rest = truth.at_m - travelled
    rest -= line @ np.linalg.lstsq(line, rest, rcond=None)[0]
    assert np.abs(rest).max() < moved_m


@everyone
@pytest.mark.parametrize("placement", ["ankle", "thigh", "pelvis"])
def test_angular_velocity_integrates_to_the_orientation_and_force_to_the_path(name: str, placement: str) -> None:
    made = session(
        TRACKS, name, reps=1, lead_in_s=0.5, faults=IDEAL, placement=placement, rate_hz=500, side="left",
        mounting=Rotation.from_euler("XYZ", [20, -35, 50], degrees=True), compensations=1.0, seed=4,
    )  # fmt: skip
    assert_integrates_back(made)


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


# People made hard

REAL_WAYS = Variation(coupled_deg=0.7, wobble_deg=0.7, creep_deg=0.6)
HARD_REPS = (
    Rep(),
    Rep(halt_up_s=0.5, halt_down_s=0.4, halt_at=0.4),
    Rep(returns=0.8),
    Rep(rom=0.3, counted=False, terminal=False),
    Rep(rotate_at=0.2, compensation=("roll", 10.0)),
    Rep(overshoot=0.06),
)
LIFE = {
    "tap": Tap(4, 3.5, 4.0),
    "tap_own": Tap(3, 2.0, 3.0, "hip_abduction"),
    "fidget": Fidget(1.0, 9.0, stay_s=0.5),
    "scratch": Scratch(),
    "shift": Shift(),
    "reseat": Reseat(),
    "push": PushBand(12.0),
    "walk": Walk(4.0),
}


def hard(name: str, **options) -> Simulation:
    movement = Movement(**TRACKS[name] | dict(up=Skewed(0.5), down=TwoPhase(0.4, 0.5)))
    plan = [Still(1), Set(name, movement, HARD_REPS), Still(9), Reseat(), PushBand(9.0, "pelvis"), Still(2)]
    plan += [TakePose("standing", 1.5), Walk(4.0), TakePose(movement.pose, 1.5), Still(2)]
    plan += [Set(name, movement, HARD_REPS[:2]), Still(1)]
    return simulate(plan, pose=movement.pose, **dict(faults=IDEAL, variation=REAL_WAYS, seed=6) | options)


@pytest.mark.parametrize("profile", [smooth, Skewed(0.6), Skewed(-0.9), Even(0.2), Even(0.5), TwoPhase(0.6, 0.4)])
def test_profiles_go_all_the_way_and_never_back_and_begin_and_end_at_rest(profile) -> None:
    s = np.linspace(0, 1, 2001)
    share = profile(s)
    assert share[[0, -1]] == pytest.approx([0, 1])
    assert np.diff(share).min() > -1e-12
    speed = np.diff(share) * 2000
    assert speed[[0, -1]] == pytest.approx([0, 0], abs=0.01) and np.abs(np.diff(speed)).max() < 0.1


def test_a_drawn_curve_goes_through_its_points() -> None:
    points = np.array([0.3, 0.5, 0.1, 0.4])
    assert Drawn(points)(np.linspace(0, 1, 4)) == pytest.approx(points - 0.3)


@pytest.mark.parametrize("name", LIFE)
@pytest.mark.parametrize("pose", ["kneeling", "side_lying"])
def test_what_people_do_between_sets_integrates_back(name: str, pose: str) -> None:
    pose = "standing" if name == "walk" else pose
    made = simulate(
        [Still(0.5), LIFE[name], Still(0.5)], pose=pose, faults=IDEAL, variation=REAL_WAYS, rate_hz=500, side="left",
        band_turn_deg=40, seed=3,
    )  # fmt: skip
    assert not made.labels
    assert_integrates_back(made, 0.1, 5e-3)


@pytest.mark.parametrize("name", ["outward", "abduction"])
def test_hard_repetitions_integrate_back(name: str) -> None:
    assert_integrates_back(hard(name, rate_hz=400), 0.2, 2e-2)


def test_walking_swings_the_shank_and_ends_elsewhere_facing_elsewhere() -> None:
    made = simulate([Still(1), Walk(12, 0.9, 35), Still(1)], faults=IDEAL, variation=QUIET, seed=2)
    leg_up = made.truth.sensor.as_matrix()[:, :, 0]  # a band that sits straight has its x up the leg
    lean = np.degrees(np.arccos(leg_up[:, 2]))
    assert 45 < lean.max() < 70
    s = made.recording.samples
    swing = np.abs(np.fft.rfft(lean[200:1200] - lean[200:1200].mean()))
    assert np.fft.rfftfreq(1000, 0.01)[swing.argmax()] == pytest.approx(0.9, abs=0.15)
    assert np.linalg.norm(made.truth.at_m[-1] - made.truth.at_m[0]) > 1
    assert np.degrees((made.truth.sensor[-1] * made.truth.sensor[0].inv()).magnitude()) > 20
    assert np.degrees(np.linalg.norm(s.gyr[[5, -5]], axis=1)).max() < 1


def test_reseating_settles_the_leg_elsewhere_and_turns_the_band_on_it() -> None:
    def seated(**options) -> Simulation:
        plan = [Still(1), Reseat(turn_deg=0, **options), Still(1)]
        return simulate(plan, pose="side_lying", faults=IDEAL, variation=QUIET)

    moved = {}
    for push in (0.0, 12.0):
        made = seated(push_deg=push)
        moved[push] = np.degrees((made.truth.sensor[0].inv() * made.truth.sensor[-1]).magnitude())
    assert 3 < moved[0.0] < 5
    assert 9 < moved[12.0] < 18


def test_a_pushed_band_turns_about_the_leg_and_no_other_band_does() -> None:
    def after(placement: str) -> Simulation:
        return simulate([Still(1), PushBand(12.0), Still(1)], placement=placement, faults=IDEAL, variation=QUIET)

    turned = after("ankle").truth.sensor
    assert np.degrees((turned[-1] * turned[0].inv()).as_rotvec()) == pytest.approx([0, 0, 12])
    for placement in ("thigh", "pelvis"):
        s = after(placement).recording.samples
        assert np.abs(s.gyr).max() < 1e-9


def test_labels_of_hard_repetitions() -> None:
    for name in ("outward", "abduction"):
        made = hard(name, variation=QUIET)
        rom = TRACKS[name]["rom_deg"]
        assert [label.set for label in made.labels] == [1] * 6 + [2] * 2
        assert [label.counted for label in made.labels] == [True, True, True, False] + [True] * 4
        roms = [label.rom_deg for label in made.labels]
        assert roms[:4] == pytest.approx([rom, rom, rom, 0.3 * rom], abs=0.6)
        assert [label.kind for label in made.labels[3:6]] == [None, "roll", None]
        lasted = [label.end_s - label.start_s for label in made.labels]
        assert lasted[1] > lasted[0] + 0.9
        for label, phases in zip(made.labels, made.truth.phases, strict=True):
            assert sum(phases) == pytest.approx(label.end_s - label.start_s, abs=0.03)
            assert min(phases) > 0
    early = simulate([Still(1), Set("a", Movement(**TRACKS["abduction"]), (Rep(rotate_at=0.3), Rep())), Still(1)],
                     pose="side_lying", variation=QUIET)  # fmt: skip
    assert [label.kind for label in early.labels] == ["early_rotation", None]
    assert [label.terminal_rotation_deg for label in early.labels] == pytest.approx([25, 25], abs=0.5)


def test_a_leg_that_does_not_come_back_begins_where_it_stopped() -> None:
    reps = (Rep(), Rep(returns=0.8), Rep())
    movement = Movement(**TRACKS["outward"])
    made = simulate([Still(1), Set("e", movement, reps), Still(1)], pose="kneeling", faults=IDEAL, variation=QUIET)
    rest, _, left = (made.truth.sensor[at(made, label.start_s)] for label in made.labels)
    assert np.degrees((rest.inv() * left).magnitude()) == pytest.approx(0.2 * 35, abs=0.3)


def test_the_hardest_person_is_one_person_with_two_bands() -> None:
    cheap = Faults(gyr_bias_deg=3.0, ringing=0.15, lost=0.05, rest_gap_s=(3.0, 5.0), clock_ppm=80, clock_offset_s=500.0)
    ankle, pelvis, thigh = (hard("abduction", placement=p, faults=f) for p, f in
                            (("ankle", IDEAL), ("pelvis", cheap), ("thigh", IDEAL)))  # fmt: skip
    for mine, theirs in zip(ankle.labels, pelvis.labels, strict=True):
        assert theirs.start_s == pytest.approx(500 + mine.start_s * (1 + 80e-6), abs=2e-3)
        assert (theirs.rom_deg, theirs.kind) == (mine.rom_deg, mine.kind)
    now = np.searchsorted(ankle.recording.samples.t[:-1], (pelvis.recording.samples.t - 500) / (1 + 80e-6))
    far = (ankle.truth.pelvis[now].inv() * pelvis.truth.pelvis).magnitude()
    assert np.degrees(far).max() < 1.5  # half a sample of walking
    assert np.array_equal(ankle.truth.pelvis.as_quat(), thigh.truth.pelvis.as_quat())


def test_a_recording_may_begin_in_mid_movement() -> None:
    whole = hard("outward")
    made = hard("outward", begin_rep=1.4)
    first, cut = whole.labels[1], made.truth.cut_s
    assert len(made.labels) == len(whole.labels) - 2
    assert cut == pytest.approx((-0.4 * (first.end_s - first.start_s), 0.6 * (first.end_s - first.start_s)), abs=2e-3)
    lasts = [one.end_s - one.start_s for one in (made.labels[0], whole.labels[2])]
    assert lasts[0] == pytest.approx(lasts[1], abs=2e-4)
    assert made.recording.meta.started_at > whole.recording.meta.started_at
    speed = np.degrees(np.linalg.norm(made.recording.samples.gyr[:10], axis=1))
    assert speed.max() > 3


def test_gaps_come_in_rests_only() -> None:
    made = hard("abduction", faults=Faults(rest_gap_s=(3.0, 5.0)), seed=8)
    t = made.recording.samples.t
    holes = np.flatnonzero(np.diff(t) > 0.02)
    assert len(holes) == 1 and 2.8 < np.diff(t)[holes[0]] < 5.2
    for label in made.labels:
        assert label.end_s + 1 < t[holes[0]] or label.start_s > t[holes[0] + 1] + 1


def test_soft_tissue_rings_after_a_jolt_and_not_at_rest() -> None:
    plan = [Still(3), Tap(1, 3.5, 4.0), Still(3)]
    still, ringing = (simulate(plan, faults=f, variation=QUIET, rate_hz=200).recording.samples for f in
                      (IDEAL, Faults(ringing=0.15, acc_range_g=None, gyr_range_deg=None)))  # fmt: skip
    extra = np.degrees(np.linalg.norm(ringing.gyr - still.gyr, axis=1))
    assert extra[:590].max() < 1e-6 and extra[600:700].max() > 1 and extra[-200:].max() < 0.01


def test_a_gyroscope_drifts_steadily() -> None:
    faults = Faults(gyr_ramp_deg=0.3, acc_range_g=None, gyr_range_deg=None)
    s = simulate([Still(120)], variation=QUIET, faults=faults, rate_hz=25).recording.samples
    assert np.degrees(np.linalg.norm(s.gyr[-1] - s.gyr[0])) == pytest.approx(0.6, abs=0.01)
