"""`hiprep replay LEG --pelvis PELVIS`: one session, two files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import hiprep
from sensor.recording import read_labels, read_recording, write_recording
from sensor.samples import Samples

PLAN = "--exercise hip_external_rotation --side left --sets 1 --reps 6 --seed 2 --compensations 0.6".split()


@pytest.fixture(scope="module")
def bands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """leg.csv, pelvis.csv and pelvis.parquet of one person; late.csv: by a clock 40 s behind that runs fast."""
    folder = tmp_path_factory.mktemp("bands")
    for name, placement in (("leg.csv", "ankle"), ("pelvis.csv", "pelvis"), ("pelvis.parquet", "pelvis")):
        assert hiprep.main(["simulate", str(folder / name), "--placement", placement, *PLAN]) == 0
    pelvis = read_recording(folder / "pelvis.csv")
    samples = pelvis.samples
    late = Samples((samples.t - 40.0) * (1 + 90e-6), samples.acc, samples.gyr)
    write_recording(folder / "late.csv", replace(pelvis, samples=late))
    return folder


@pytest.mark.parametrize("pelvis", ["pelvis.csv", "pelvis.parquet", "late.csv"])
def test_the_pelvis_is_told_repetition_by_repetition(bands: Path, run, pelvis: str) -> None:
    done = run("replay", bands / "leg.csv", "--pelvis", bands / pelvis, "--json")
    assert (done.status, done.err) == (0, "")
    result, labels = json.loads(done.out), read_labels(bands / "leg.labels.csv")
    assert result["quality"]["pelvis_clock"] == "movement"
    assert [rep["compensated"] for rep in result["reps"]] == [label.compensated for label in labels]
    assert {label.compensated for label in labels} == {True, False}
    true = [label.pelvis_deg for label in labels]
    assert [rep["pelvis_deg"] for rep in result["reps"]] == pytest.approx(true, abs=2.0)
    assert all(rep["hip_rom_deg"] is not None for rep in result["reps"])


def test_without_it_nothing_is_claimed(bands: Path, run) -> None:
    result = json.loads(run("replay", bands / "leg.csv", "--json").out)
    assert {(rep["pelvis_deg"], rep["hip_rom_deg"]) for rep in result["reps"]} == {(None, None)}
    assert not any(key.startswith("pelvis") for key in result["quality"])


def test_what_is_wrong_with_the_second_recording_is_said_in_one_line(bands: Path, refused, tmp_path: Path) -> None:
    leg = bands / "leg.csv"
    assert "wanted placement pelvis, got 'ankle'" in refused("replay", leg, "--pelvis", leg)
    assert "cannot read" in refused("replay", leg, "--pelvis", "missing.csv")
    assert "cannot read" in refused("replay", leg, "--pelvis", bands)
    assert "unknown kind of recording" in refused("replay", leg, "--pelvis", bands / "leg.json")


def test_a_pelvis_of_two_rows_is_refused(bands: Path, refused, tmp_path: Path) -> None:
    pelvis = read_recording(bands / "pelvis.csv")
    write_recording(tmp_path / "short.csv", replace(pelvis, samples=pelvis.samples[:2]))
    assert "too short" in refused("replay", bands / "leg.csv", "--pelvis", tmp_path / "short.csv")


def test_two_recordings_of_different_days_are_refused(bands: Path, run, tmp_path: Path) -> None:
    pelvis = read_recording(bands / "pelvis.csv")
    still = Samples(pelvis.samples.t, pelvis.samples.acc[:1].repeat(len(pelvis.samples), 0), 0 * pelvis.samples.gyr)
    meta = replace(pelvis.meta, started_at="2026-01-02T00:00:00Z")
    write_recording(tmp_path / "other.csv", replace(pelvis, samples=still, meta=meta))
    done = run("replay", bands / "leg.csv", "--pelvis", tmp_path / "other.csv", "--json")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("hiprep: ") and done.err.count("\n") == 1
    assert "not recorded at the same time" in done.err


def test_a_pelvis_without_a_sidecar_is_taken_at_its_word(bands: Path, run, tmp_path: Path) -> None:
    (tmp_path / "bare.csv").write_bytes((bands / "pelvis.csv").read_bytes())
    told = ["--units", "m/s^2,rad/s", "--rate", "100"]
    done = run("replay", bands / "leg.csv", "--pelvis", tmp_path / "bare.csv", *told, "--json")
    assert (done.status, done.err) == (0, "")
    assert all(rep["pelvis_deg"] is not None for rep in json.loads(done.out)["reps"])
