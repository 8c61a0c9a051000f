"""A person's data: agreed to, taken along whole, and gone without a trace (S15)."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import beginning
from house import Browser, House, housing
from sqlalchemy import Connection, create_engine, make_url, select

from sensor.frames import encode_frame
from sensor.recording import read_recording, write_recording
from server.errors import StartError
from server.run import running
from server.settings import Settings
from server.store import Store, belongings, trail
from server.store.schema import metadata

MARK = "Zwetschgenknoedel"  # ASCII: what JSON and Parquet hold is the same bytes
GOLDEN = Path(__file__).parents[1] / "recordings"


def test_every_table_is_somebodys_or_nobodys() -> None:
    assert set(belongings.OWNED) | set(belongings.KEPT) == set(metadata.tables)
    assert not set(belongings.OWNED) & set(belongings.KEPT)
    for table in metadata.tables.values():  # what refers to a person or a session in a new way has to be thought about
        assert {column.name for key in table.foreign_keys for column in [key.parent]} <= {
            "session", "patient", "person", "staff", "programme", "clinic", "made_by",
        }, table.name  # fmt: skip


def marked_recording(tmp_path: Path) -> list[tuple[str, tuple[str, bytes]]]:
    path = tmp_path / "x.csv"
    write_recording(path, read_recording(GOLDEN / "internal_rotation.parquet"))
    said = json.loads(path.with_suffix(".json").read_text()) | {"subject": MARK}
    return [("recording", ("x.csv", path.read_bytes())), ("recording", ("x.json", json.dumps(said).encode()))]


class Marked:
    """A patient of whom everything that is kept holds the mark, and another one."""

    def __init__(self, house: House, tmp_path: Path, entries: list) -> None:
        self.admin = house.found("Hillside", "Ada Admin")
        self.physio = self.admin.add(f"Phil {MARK}", "staff")
        self.patient = self.admin.add(f"Pat {MARK}", "patient")
        self.other = self.admin.add("Otto Other", "patient")
        self.admin.assign(self.physio, self.patient)
        assert self.patient.post("/consent/withdraw").status_code == 303
        self.patient.agree(guardian=f"Gerda {MARK}")
        plan = {"starts_on": "2026-01-01", "items": [{"exercise": "hip_external_rotation", "side": "left"}], "note": MARK}
        assert self.physio.post(f"/api/v1/patients/{self.patient.id}/programme", json=plan).status_code == 201
        assert self.physio.post(f"/patients/{self.patient.id}/notes", data={"text": MARK}).status_code == 303
        self.device = self.patient.pair(f"laptop {MARK}")
        self.sessions = [self._session(f"session-{number}", entries) for number in range(2)]  # the second one runs
        assert self.device.post(f"/api/v1/sessions/{self.sessions[0]}/end").status_code == 200
        said = {"pain_worst": 3, "note": MARK}
        assert self.patient.put(f"/api/v1/sessions/{self.sessions[0]}/report", json=said).status_code == 200
        correction = {"action": "remove", "at_s": self._peak(), "reason": MARK}
        assert self.physio.post(f"/api/v1/sessions/{self.sessions[0]}/corrections", json=correction).status_code == 201
        answered = {"questionnaire": "knee_week", "version": "1", "given": [1, 2, 3]}
        once = {"idempotency-key": f"once-{MARK}"}
        assert self.patient.post(f"/api/v1/patients/{self.patient.id}/answers", json=answered, headers=once).status_code == 201
        brought = self.patient.post("/api/v1/recordings", files=marked_recording(tmp_path))
        assert brought.status_code == 201, brought.text
        self.sessions.append(brought.json()["id"])
        self.physio.get("/patients")  # makes the overview
        self.others = self.other.post("/api/v1/sessions", json=beginning("others-session")).json()["id"]
        assert self.other.post(f"/api/v1/sessions/{self.others}/packets", content=encode_frame(entries[:64])).status_code == 200
        assert self.other.post(f"/api/v1/sessions/{self.others}/end").status_code == 200

    def _session(self, key: str, entries: list) -> str:
        session = self.device.post("/api/v1/sessions", json=beginning(key) | {"band": f"band {MARK}"}).json()["id"]
        assert self.device.post(f"/api/v1/sessions/{session}/packets", content=encode_frame(entries[:300])).status_code == 200
        return session

    def _peak(self) -> float:
        return self.patient.get(f"/api/v1/sessions/{self.sessions[0]}").json()["result"]["reps"][0]["peak_s"]


@pytest.fixture
def house(tmp_path: Path, database) -> Iterator[House]:
    with housing(tmp_path / "data", database=database) as house:
        yield house


@contextlib.contextmanager
def looking(house: House) -> Iterator[Connection]:
    """Past the server."""
    settings = house.settings
    url = make_url(settings.database or f"sqlite:///{settings.data_dir}/hiprep.sqlite3")
    engine = create_engine(url.set(drivername="postgresql+psycopg") if settings.database else url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def tables(house: House) -> dict[str, str]:
    """table -> all of it as text."""
    with looking(house) as connection:
        return {name: repr(connection.execute(select(table)).all()) for name, table in metadata.tables.items()}


@pytest.mark.both_stores
def test_what_is_erased_is_nowhere(house, tmp_path, entries) -> None:
    people = Marked(house, tmp_path, entries)
    before = tables(house)
    told = "people", "consents", "programmes", "devices", "sessions", "reports", "corrections", "notes"
    assert all(MARK in before[name] for name in told)
    assert all(before[name] != "[]" for name in belongings.OWNED if name not in ("pairings", "jobs")), before.keys()
    recordings = house.settings.data_dir / "recordings"
    until(lambda: list(recordings.glob("*.parquet")), lambda found: len(found) == 3)  # written once a session has ended

    assert people.admin.post(f"/people/{people.patient.id}/erase", data={"sure": "false"}).status_code == 422
    assert "everything goes" in people.admin.get(f"/people/{people.patient.id}/erase").text
    assert people.admin.post(f"/people/{people.patient.id}/erase", data={"sure": "true"}).status_code == 303
    assert people.admin.post(f"/people/{people.physio.id}/erase", data={"sure": "true"}).status_code == 303

    after = tables(house)
    assert not [name for name, text in after.items() if MARK in text]
    assert [name for name, text in after.items() if people.patient.id in text] == ["audit"]
    files = [path for path in house.settings.data_dir.rglob("*") if path.is_file()]
    assert not [path for path in files if MARK.encode() in path.read_bytes()]
    assert [path.name for path in recordings.iterdir()] == [f"{people.others}.parquet"]
    # Nobody comes in, nothing is left to read, and the other one has lost nothing.
    assert people.patient.get("/api/v1/sessions").status_code == 401
    assert people.device.post("/api/v1/sessions", json=beginning("new-session")).status_code == 401
    assert people.admin.post(f"/people/{people.patient.id}/erase", data={"sure": "true"}, headers={"accept": "*/*"}).status_code == 404
    assert people.other.get(f"/api/v1/sessions/{people.others}/recording.parquet").status_code == 200
    assert MARK not in people.admin.get("/people").text
    with looking(house) as connection:
        about = list(trail.entries(connection, subject=people.patient.id))
        assert trail.broken_at(connection) is None
    assert about[-1].action == "erased" and about[-1].actor == people.admin.id
    assert {"agreed", "withdrew consent", "prescribed", "invited", "disabled"} <= {entry.action for entry in about}


def test_everything_is_in_the_zip_and_the_next_physio_sees_it(tmp_path, entries) -> None:
    with housing(tmp_path / "data") as house:
        people = Marked(house, tmp_path, entries)
        before = tables(house)
        got = people.patient.get(f"/api/v1/patients/{people.patient.id}/everything.zip")
        assert got.status_code == 200 and got.headers["content-type"] == "application/zip"
        packed = zipfile.ZipFile(io.BytesIO(got.content))
        names = {f"recordings/{session}.parquet" for session in people.sessions}
        assert set(packed.namelist()) == {"person.json", "report.pdf", "fhir.json", "repetitions.csv"} | names
        for name in names:
            path = tmp_path / Path(name).name
            path.write_bytes(packed.read(name))
            assert len(read_recording(path).samples) > 1000
        person = json.loads(packed.read("person.json"))
        for name in set(belongings.OWNED) - {"packets"}:
            mine = json.dumps(person["tables"][name], ensure_ascii=False)
            assert mine.count(MARK) == before[name].count(MARK) - (name == "people"), name  # the physio's name is not theirs
            assert "Otto" not in mine and people.others not in mine
        flat = packed.read("person.json").decode()
        assert "argon2" not in flat and '"hash"' not in flat and "secret" not in flat
        actions = [entry["action"] for entry in person["audit"]]
        assert actions[-1] == "exported" and "prescribed" in actions
        theirs = json.loads(zipfile.ZipFile(io.BytesIO(people.other.get(f"/api/v1/patients/{people.other.id}/everything.zip").content)).read("person.json"))
        assert len(theirs["tables"]["sessions"]) == 1 and MARK not in json.dumps(theirs, ensure_ascii=False)
        another_physio_takes_over(people)


def another_physio_takes_over(people: Marked) -> None:
    new = people.admin.add("Nora New", "staff")
    people.admin.assign(new, people.patient)
    people.admin.assign(people.physio, people.patient, to=False)
    for path in (f"/patients/{people.patient.id}", f"/sessions/{people.sessions[0]}", f"/api/v1/patients/{people.patient.id}/programme"):
        assert new.get(path).status_code == 200 and people.physio.get(path).status_code == 404


def test_nothing_is_recorded_without_consent(tmp_path, entries) -> None:
    (tmp_path / "consent.txt").write_text("Our own words.")
    with housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        physio, patient = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient")
        admin.assign(physio, patient)
        device = patient.pair()
        running_one = device.post("/api/v1/sessions", json=beginning("running-session")).json()["id"]
        assert "Our own words." in patient.get("/consent").text and "has not agreed" not in physio.get(f"/patients/{patient.id}").text
        assert patient.post("/consent/withdraw").status_code == 303
        late = device.post(f"/api/v1/sessions/{running_one}/packets", content=encode_frame(entries[:64]))
        assert late.status_code == 409 and "ended" in late.text
        for refused in (
            device.post("/api/v1/sessions", json=beginning("later-session")),
            device.post("/api/v1/recordings", files=marked_recording(tmp_path)),
            patient.post("/import", files=marked_recording(tmp_path), headers={"accept": "application/json"}),
        ):
            assert refused.status_code == 403 and "/consent" in refused.json()["detail"]
        assert "has not agreed" in physio.get(f"/patients/{patient.id}").text
        assert "Withdrawn on 1 January 2026" in patient.get("/consent").text
        patient.agree(guardian="Gerda Guardian")
        assert "by Gerda Guardian, as guardian" in patient.get("/consent").text
        assert device.post("/api/v1/sessions", json=beginning("later-session")).status_code == 201
    (tmp_path / "consent.txt").write_text("Other words.")
    with housing(tmp_path, house.clock, port=httpx.URL(house.url).port):
        assert device.post("/api/v1/sessions", json=beginning("again-session")).status_code == 403
        assert "words have changed" in patient.get("/consent").text
        assert device.post("/api/v1/sessions", json=beginning("again-session")).status_code == 403
    (tmp_path / "consent.txt").write_text(" ")
    with pytest.raises(StartError, match="consent .* cannot be used"), running(Settings(tmp_path, port=0)):
        pass


@pytest.mark.both_stores
def test_what_is_old_goes_by_itself(tmp_path, database, entries) -> None:
    with housing(tmp_path / "data", database=database) as house:
        people = Marked(house, tmp_path, entries)
    house.clock.now += 31 * 86400
    port = httpx.URL(house.url).port
    with housing(tmp_path / "data", house.clock, port=port, database=database, keep_days=30) as house:
        patient = Browser(house).log_in(people.patient.email)
        (kept,) = until(lambda: patient.get("/api/v1/sessions").json()["sessions"], lambda found: len(found) == 1)
        assert kept["id"] == people.sessions[1] and kept["ended_at"] is None  # what runs is not old
        after = until(lambda: tables(house), lambda found: found["answers"] == "[]")
        assert people.sessions[0] not in after["sessions"] and after["corrections"] == after["reports"] == "[]"
        assert "purged" in after["audit"] and MARK in after["people"]
        assert not list((tmp_path / "data" / "recordings").iterdir())
        assert patient.get(f"/patients/{people.patient.id}").status_code == 200


def until(ask, good):
    """What it says once it is that; the test's own time limit ends what never is."""
    while not good(found := ask()):
        pass
    return found


async def test_deleted_rows_leave_sqlites_files_while_others_write(tmp_path) -> None:
    path = tmp_path / "hiprep.sqlite3"
    store = Store(path)

    async def note(text: str) -> None:
        entry = trail.Entry("2026-01-01T00:00:00.000Z", None, None, None, text)
        await store.write(trail.note, entry)

    await asyncio.gather(*(note(f"{MARK} {number}") for number in range(300)))
    await store.write(lambda connection: connection.execute(metadata.tables["audit"].delete()))
    with contextlib.closing(sqlite3.connect(path)) as other:
        assert MARK.encode() in b"".join(file.read_bytes() for file in tmp_path.iterdir())
        await asyncio.gather(*(note(f"{number}") for number in range(50)), store.compact(), *(note(f"{number}") for number in range(50, 99)))
        assert MARK.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert other.execute("SELECT count(*) FROM audit").fetchone() == (99,)
    store.close()
