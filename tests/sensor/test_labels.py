"""Labels beside a recording."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor.errors import RecordingError
from sensor.recording import Label, labels_path, read_labels, write_labels

numbers = st.floats(0, 1e4, allow_nan=False)
words = st.text(st.sampled_from('ab_, "'), min_size=1).map(str.strip).filter(bool)
label = st.builds(
    Label,
    start_s=numbers,
    end_s=st.floats(1e5, 1e6),
    set=st.none() | st.integers(1, 9),
    exercise=st.none() | words,
    counted=st.none() | st.booleans(),
    rom_deg=st.none() | numbers,
    compensated=st.none() | st.booleans(),
    kind=st.none() | words,
    pelvis_deg=st.none() | numbers,
)


@given(labels=st.lists(label))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_labels_round_trip(labels: list[Label], tmp_path: Path) -> None:
    write_labels(tmp_path / "a.labels.csv", labels)
    assert read_labels(tmp_path / "a.labels.csv") == labels


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "column end_s is missing"),
        ("start_s\n1\n", "column end_s is missing"),
        ("start_s,end_s\n1,x\n", "bad end_s in .* row 2 .*got 'x'"),
        ("start_s,end_s\n1,nan\n", "bad end_s"),
        ("start_s,end_s\n1,2\n3\n", "no end_s in .* row 3"),
        ("start_s,end_s\n2,1\n", "ends before it begins"),
        ("start_s,end_s,set\n1,2,1.5\n", "bad set .*whole number"),
        ("start_s,end_s,counted\n1,2,maybe\n", "bad counted .*true or false"),
    ],
)
def test_bad_labels_are_named_in_one_line(text: str, match: str, tmp_path: Path) -> None:
    path = tmp_path / "a.labels.csv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=match) as caught:
        read_labels(path)
    assert "\n" not in str(caught.value)


def test_labels_in_other_spellings(tmp_path: Path) -> None:
    path = tmp_path / "a.labels.csv"
    path.write_text("block,end_s,counted,start_s,mood\nlow,2,1,1,x\nfast,4,False,3,\n")
    assert read_labels(path) == [Label(1, 2, counted=True, block="low"), Label(3, 4, counted=False, block="fast")]
    assert labels_path("x/NAME.parquet") == Path("x/NAME.labels.csv")
