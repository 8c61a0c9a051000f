"""A real server on loopback with a real database, real packets of a simulated person."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
from cluster import Cluster, binaries
from house import Browser, housing

from processing.exercises import EXERCISES
from processing.tracker import Tracker
from sensor.devices import driver_named
from sensor.devices.reference import encode_info, info_of
from sensor.driver import Packet
from sensor.frames import Entry, encode_frame
from sensor.motion import session as simulated
from sensor.samples import Samples
from server.run import running
from server.settings import Settings
from server.store import Store

EXERCISE, SIDE, BOOT = "hip_external_rotation", "left", 7
INFO = encode_info(info_of(BOOT))
STARTED_NS = 1_767_225_600_000_000_000
ITEM = {"exercise": EXERCISE, "side": SIDE, "rom_target_deg": 40, "band": "red"}
NOTE = "Slowly down, <b>please</b>. " + "Prüfen Sie die Höhe des Hockers. " * 12
SERVE = (
    "import sys; from server.run import serve; from server.settings import Settings;"
    "serve(Settings(sys.argv[1], port=int(sys.argv[2]), database=sys.argv[3] or None))"
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked `both_stores` run on SQLite and on PostgreSQL, all others on SQLite."""
    if "database" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_stores"):
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server."""
    found = binaries()
    if found is None:
        pytest.skip("needs PostgreSQL (Debian: apt-get install postgresql)")
    cluster = Cluster(found)
    yield cluster
    cluster.remove()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """What Settings take: the URL of an empty database, or None for SQLite."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield None
        return
    cluster = request.getfixturevalue("cluster")
    url = cluster.database()
    yield url
    cluster.empty(url)


@pytest.fixture
def settings_of(database: str | None) -> Callable[..., Settings]:
    """Settings of a server on this directory, and on this test's database."""
    return lambda data_dir, **more: Settings(data_dir, **{"port": 0, "database": database} | more)


@pytest.fixture
def store_of(database: str | None) -> Callable[[Path], Store]:
    """The store of a server that ran on this directory."""
    return lambda data_dir: Store(database or data_dir / "hiprep.sqlite3")


def wire(samples: Samples) -> list[bytes]:
    """The reference band's packets of these samples: 100 Hz, ten to a packet."""
    info = info_of(BOOT)
    counts = np.hstack([samples.acc / info.acc_mps2_per_lsb, samples.gyr / info.gyr_rads_per_lsb])
    counts = np.clip(np.rint(counts), -(2**15), 2**15 - 1).astype(np.int16)
    ticks = np.rint(samples.t * 1e6).astype(np.int64)
    encode = driver_named("hiprep-band").encode_packet
    firsts = range(0, len(counts), 10)
    return [
        encode(Packet(0, number % 2**16, int(ticks[i]) % 2**32, BOOT, 100, counts[i : i + 10]))
        for number, i in enumerate(firsts)
    ]


@pytest.fixture(scope="session")
def packets() -> list[bytes]:
    """Two sets of four, about a minute: a simulated person, so every test can know what must be counted."""
    person = simulated(
        {EXERCISE: EXERCISES[EXERCISE].track}, EXERCISE, sets=2, reps=4, rest_s=12.0, side=SIDE, seed=1
    )
    return wire(person.recording.samples)


@pytest.fixture(scope="session")
def entries(packets: list[bytes]) -> list[Entry]:
    return [Entry(0, i, STARTED_NS + i * 100_000_000, packet) for i, packet in enumerate(packets)]


@pytest.fixture(scope="session")
def expected(entries: list[Entry]) -> dict:
    """What decoder and Tracker make of the packets, without a server."""
    decoder = driver_named("hiprep-band").decoder(INFO)
    tracker = Tracker(EXERCISE, SIDE, "ankle")
    for entry in entries:
        tracker.update(decoder.feed(entry.packet, entry.host_ns))
    tracker.update(decoder.flush())
    tracker.finish()
    result = tracker.result().as_json()
    assert sum(rep["counted"] for rep in result["reps"]) == 8
    return result


class Client(httpx.Client):
    """What the tests say over and over."""

    def create(self, key: str = "a-session", **changes: object) -> dict:
        answer = self.post("/api/v1/sessions", json=beginning(key) | changes)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def put_packets(self, session_id: str, entries: Sequence[Entry]) -> httpx.Response:
        return self.post(f"/api/v1/sessions/{session_id}/packets", content=encode_frame(entries))

    def send_all(self, session_id: str, entries: Sequence[Entry], size: int = 64) -> None:
        for i in range(0, len(entries), size):
            answer = self.put_packets(session_id, entries[i : i + size])
            assert answer.status_code == 200, answer.text

    def end(self, session_id: str) -> dict:
        answer = self.post(f"/api/v1/sessions/{session_id}/end")
        assert answer.status_code == 200, answer.text
        return answer.json()


def beginning(key: str = "a-session") -> dict:
    return {
        "key": key,
        "exercise": EXERCISE,
        "side": SIDE,
        "placement": "ankle",
        "driver": "hiprep-band",
        "band": "C0:FF:EE:00:00:01",
        "info": INFO.hex(),
        "started_at": "2026-01-01T00:00:00Z",
    }


@pytest.fixture
def body() -> dict:
    return beginning()


@pytest.fixture(scope="session")
def new_session() -> Callable[[str], dict]:
    """What begins a session with this key."""
    return beginning


@pytest.fixture
def connect() -> Callable[[str], Client]:
    return lambda url: Client(base_url=url, timeout=30)


@pytest.fixture
def client(tmp_path: Path, settings_of) -> Iterator[Client]:
    """Of a server in a thread of this process, on a directory of its own."""
    with running(settings_of(tmp_path / "data")) as url, Client(base_url=url, timeout=30) as client:
        yield client


@contextlib.contextmanager
def serving(data_dir: Path, port: int = 0, database: str | None = None) -> Iterator[tuple[subprocess.Popen, str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(data_dir), str(port), database or ""],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.fixture
def server_process(database: str | None) -> Callable[..., contextlib.AbstractContextManager]:
    """`with server_process(data_dir) as (process, url)`: a server of its own process."""
    return lambda data_dir, **more: serving(data_dir, **{"database": database} | more)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> Iterator[tuple[dict[str, Browser], dict[str, str]]]:
    """A clinic to look at: people by what they are, and what the paths of pages need."""
    with housing(tmp_path_factory.mktemp("home")) as house:
        admin = house.found("Praxis am Hügel", "Ada Admin")
        physio, pat = admin.add("Phil Physio", "staff"), admin.add("Pat Patient with a rather long name", "patient")
        admin.assign(physio, pat)
        plan = {"starts_on": "2026-01-01", "items": [ITEM, ITEM | {"exercise": "hip_abduction", "side": "right"}], "note": NOTE}
        assert physio.post(f"/api/v1/patients/{pat.id}/programme", json=plan).status_code == 201
        device, ids = pat.pair(), {"pat": pat.id}
        for name in ("ended", "running"):
            ids[name] = device.post("/api/v1/sessions", json=beginning(f"{name}-session")).json()["id"]
            for i in range(0, len(entries), 64):
                assert device.post(f"/api/v1/sessions/{ids[name]}/packets", content=encode_frame(entries[i : i + 64])).status_code == 200
        assert device.post(f"/api/v1/sessions/{ids['ended']}/end").status_code == 200
        yield {"patient": pat, "physio": physio, "admin": admin}, ids
