"""`hiprep replay RECORDING --plot FILE.png`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from processing.results import SessionResult
from sensor.recording import read_recording, write_recording
from server.plot import COMPENSATED, IN_POSE, NOT_IN_POSE, PARTIAL, SETS, SHADE, figure, spans

GOLDEN = Path(__file__).parents[1] / "recordings"


def share(picture: np.ndarray, color: str, alpha: float = 1.0) -> float:
    """Of the picture's points, those of just this colour on white."""
    wanted = alpha * np.array(to_rgb(color)) + 1 - alpha
    return float((np.abs(picture[..., :3] - wanted) < 0.01).all(axis=2).mean())


def test_a_set_is_seen(run, tmp_path: Path) -> None:
    out = tmp_path / "abduction.png"
    plain = run("replay", GOLDEN / "abduction.parquet", "--json")
    assert run("replay", GOLDEN / "abduction.parquet", "--json", "--plot", out) == plain
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    picture = imread(out)
    height, width = picture.shape[:2]
    assert 900 <= width <= 2000 and 250 <= height <= 500
    assert share(picture, SETS[0], SHADE) > 0.2  # ten repetitions of six seconds in 86
    assert share(picture, IN_POSE) > 0.02 and share(picture, NOT_IN_POSE) < share(picture, IN_POSE)
    assert share(picture, COMPENSATED) > 0.002
    assert share(picture, PARTIAL, SHADE) < 0.001


def test_partial_repetitions_are_seen(run, tmp_path: Path) -> None:
    assert run("replay", GOLDEN / "internal_rotation.parquet", "--plot", tmp_path / "y.PNG").status == 0
    assert share(imread(tmp_path / "y.PNG", "png"), PARTIAL, SHADE) > 0.01


def test_a_second_set_has_another_colour(run, tmp_path: Path) -> None:
    plan = ["--exercise", "hip_external_rotation", "--sets", 2, "--reps", 3, "--seed", 3]
    assert run("simulate", tmp_path / "two.parquet", *plan).status == 0
    assert run("replay", tmp_path / "two.parquet", "--plot", tmp_path / "two.png").status == 0
    picture = imread(tmp_path / "two.png")
    assert all(share(picture, color, SHADE) > 0.02 for color in SETS)


def test_a_recording_in_which_nothing_happens(run, tmp_path: Path) -> None:
    recording = read_recording(GOLDEN / "abduction.parquet")
    short = tmp_path / "short.csv"
    write_recording(short, type(recording)(recording.samples[:2], recording.meta))
    assert run("replay", short, "--plot", tmp_path / "y.png").status == 0
    assert share(imread(tmp_path / "y.png"), SETS[0], SHADE) < 0.001


def test_a_long_session_is_cut_into_rows() -> None:
    def size(duration_s: float) -> tuple[int, int]:
        t = np.arange(0, duration_s, 0.5)
        nothing = SessionResult(None, "left", "ankle", duration_s, len(t), 1.0, (), (), ())
        drawn = figure(nothing, t, np.sin(t), [])
        assert max(drawn.get_size_inches() * drawn.dpi) < 2**13
        return len(drawn.axes), int(drawn.get_figwidth())

    assert size(290) == (1, 19) and size(1790) == (6, 19) and size(20 * 3600) == (24, 20)


def test_the_pose_holds_from_packet_to_packet_but_not_over_a_hole() -> None:
    assert spans([], []) == []
    assert spans([0.1, 0.2, 0.3, 0.4], [True, True, False, True]) == [(0.1, 0.2), (0.3, 0.4)]
    assert spans([0.1, 0.2, 9.0, 9.1], [True] * 4) == [(0.1, 0.2), (9.0, 9.1)]


@pytest.mark.parametrize("out", ["y.jpg", "y", "", "none/y.png", "y.csv/y.png", "folder.png", "n" * 300 + ".png"])
def test_nowhere_to_draw(refused, person: Path, out: str, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "y.csv").touch()
    assert "png" in refused("replay", person / "person.csv", "--plot", out)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of a file's size")
def test_a_disk_that_takes_no_more(person: Path, tmp_path: Path) -> None:
    import resource

    out = tmp_path / "y.png"
    out.write_text("what was there")
    command = [Path(sys.executable).with_name("hiprep"), "replay", person / "person.csv", "--plot", out]
    stop = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))  # noqa: E731
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, preexec_fn=stop)
    assert (done.returncode, done.stdout) == (2, "") and "cannot write" in done.stderr and done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [out.name] and out.read_text() == "what was there"


def test_it_needs_no_server_and_no_window(person: Path, tmp_path: Path) -> None:
    code = (
        "import sys, hiprep; status = hiprep.main(['replay', *sys.argv[1:]]);"
        "loaded = [m for m in ('fastapi', 'sqlalchemy', 'matplotlib.pyplot') if m in sys.modules];"
        "print(loaded, status, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, person / "person.csv", "--plot", tmp_path / "y.png"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True)
    assert done.stderr.strip() == "[] 0"
