from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, true

import server.store
from sensor.frames import Entry
from server.errors import PacketConflict, StartError, StoreError, StoreFull
from server.rows import Result
from server.store import Store, journal, migrate, sessions
from server.store.schema import metadata
from server.store.sqlite import version_warning

NEW = dict(
    key="a-session", exercise=None, side="left", placement="ankle", driver="hiprep-band", band="b", info=b"i",
    started_at="2026-01-01T00:00:00Z",
)  # fmt: skip


def entry(index: int, data: bytes = b"data", epoch: int = 0) -> Entry:
    return Entry(epoch, index, 5, data)


both_stores = pytest.mark.both_stores


@pytest.fixture
def store(tmp_path: Path, store_of) -> Iterator[Store]:
    store = store_of(tmp_path)
    yield store
    store.close()


@both_stores
async def test_packets_come_back_byte_exact_and_in_order(store: Store) -> None:
    session, _ = await store.write(sessions.create, NEW)
    sent = [entry(2, b"\x00\xff"), entry(0, b"a"), entry(0, b"b", epoch=1), entry(1)]
    assert await store.write(journal.append, session.number, sent, 0) == 4
    assert store.read(lambda c: list(journal.read(c, session.number))) == sorted(sent)


@both_stores
async def test_a_repeated_packet_is_stored_once(store: Store) -> None:
    session, _ = await store.write(sessions.create, NEW)
    assert await store.write(journal.append, session.number, [entry(0), entry(0), entry(1)], 0) == 2
    assert await store.write(journal.append, session.number, [entry(1), entry(2)], 0) == 1
    assert await store.fetch(journal.count, session.number) == 3


@both_stores
@pytest.mark.parametrize("sent", [[entry(7), entry(0, b"other")], [entry(7), entry(7, b"other")]])
async def test_other_bytes_under_the_same_key_are_refused_with_all_that_came_along(
    store: Store, sent: list[Entry]
) -> None:
    session, _ = await store.write(sessions.create, NEW)
    await store.write(journal.append, session.number, [entry(0)], 0)
    with pytest.raises(PacketConflict, match="other bytes"):
        await store.write(journal.append, session.number, sent, 0)
    assert store.read(lambda c: list(journal.read(c, session.number))) == [entry(0)]


@both_stores
async def test_a_closed_epoch_takes_only_what_it_has(store: Store) -> None:
    session, _ = await store.write(sessions.create, NEW)
    await store.write(journal.append, session.number, [entry(0), entry(0, epoch=1)], 0)
    assert await store.write(journal.append, session.number, [entry(0)], 1) == 0
    with pytest.raises(PacketConflict, match="closed"):
        await store.write(journal.append, session.number, [entry(1)], 1)


@both_stores
async def test_one_refused_job_does_not_touch_its_neighbours(store: Store) -> None:
    session, _ = await store.write(sessions.create, NEW)
    await store.write(journal.append, session.number, [entry(0)], 0)
    jobs = [store.write(journal.append, session.number, [entry(i)], 0) for i in range(1, 40)]
    bad = store.write(journal.append, session.number, [entry(0, b"other")], 0)
    results = await asyncio.gather(*jobs, bad, return_exceptions=True)
    assert isinstance(results.pop(), PacketConflict)
    assert results == [1] * 39
    assert await store.fetch(journal.count, session.number) == 40


@both_stores
async def test_creating_twice_makes_one(store: Store) -> None:
    first, new = await store.write(sessions.create, NEW)
    assert (await store.write(sessions.create, NEW)) == (first, False) and new


@both_stores
async def test_the_list_goes_page_by_page_with_the_newest_result(store: Store) -> None:
    made = [(await store.write(sessions.create, NEW | {"key": f"session-{i}"}))[0] for i in range(5)]
    ids = sorted((session.id for session in made), reverse=True)
    result = dict(made_at="", document="{}", curve=b"", good=0, compensated=0, partial=0)
    await store.write(sessions.end, made[0].number, Result("1", counted=3, **result))
    first = store.read(sessions.newest, true(), 3)
    rest = store.read(sessions.newest, true(), 3, first[-1][0].id)
    assert [session.id for session, _ in first + rest] == ids
    assert {session.id: tally.counted for session, tally in first + rest if tally} == {made[0].id: 3}
    assert {s.id for s in store.read(sessions.unfinished, true())} == {s.id for s in made[1:]}


async def test_a_database_at_its_limit_stores_nothing_and_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path / "test.sqlite3", max_mb=1)
    session, _ = await store.write(sessions.create, NEW)
    accepted, size = 0, 200
    with pytest.raises(StoreFull):
        while True:
            batch = [entry(accepted + i, os.urandom(500)) for i in range(size)]
            await store.write(journal.append, session.number, batch, 0)
            accepted += size
    assert accepted and await store.fetch(journal.count, session.number) == accepted
    await store.write(journal.remove, session.number)
    assert await store.write(journal.append, session.number, [entry(0)], 0) == 1
    store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "hiprep-test", str(disk)]
    if os.name == "nt" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs root that may mount")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_a_full_disk_stores_nothing_and_goes_on(small_disk: Path) -> None:
    store = Store(small_disk / "test.sqlite3")
    session, _ = await store.write(sessions.create, NEW)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
        while file.write(bytes(4096)) == 4096:
            pass
        raise OSError("the last piece did not fit")
    accepted = 0
    with pytest.raises(StoreFull):
        while True:
            await store.write(journal.append, session.number, [entry(accepted, os.urandom(500))], 0)
            accepted += 1
    assert await store.fetch(journal.count, session.number) == accepted
    filler.unlink()
    assert await store.write(journal.append, session.number, [entry(accepted)], 0) == 1
    store.close()
    store = Store(small_disk / "test.sqlite3")
    assert await store.fetch(journal.count, session.number) == accepted + 1
    store.close()


@both_stores
def test_the_migrations_make_what_the_schema_says(store: Store) -> None:
    assert store.read(lambda c: compare_metadata(MigrationContext.configure(c), metadata)) == []


@both_stores
async def test_the_migrations_go_down_to_nothing_and_up_again(store: Store) -> None:
    """R12: revision by revision, and what is kept in between is kept."""
    await store.write(sessions.create, NEW)
    for revision in revisions():
        await store.write(lambda connection, to=revision: migrate(connection, to, down=True))
    assert inspected(store) == {"alembic_version"}
    await store.write(migrate)
    assert inspected(store) == {*metadata.tables, "alembic_version"}
    assert store.read(lambda c: compare_metadata(MigrationContext.configure(c), metadata)) == []
    assert (await store.write(sessions.create, NEW))[1]


def revisions() -> list[str]:
    """From the newest but one down to nothing."""
    script = ScriptDirectory(str(Path(server.store.__file__).parent / "migrations"))
    return [one.down_revision or "base" for one in script.walk_revisions()]


def inspected(store: Store) -> set[str]:
    return set(store.read(lambda connection: inspect(connection).get_table_names()))


async def test_the_settings_that_durability_rests_on(store: Store) -> None:
    def pragma(connection, name: str):
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

    assert await store.write(pragma, "journal_mode") == "wal"
    assert await store.write(pragma, "synchronous") == 2  # FULL
    assert await store.write(pragma, "mmap_size") == 0
    assert store.read(pragma, "query_only") == 1


def test_something_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "test.sqlite3").write_bytes(b"something else " * 500)
    with pytest.raises(StartError, match="cannot be used"):
        Store(tmp_path / "test.sqlite3")


@both_stores
async def test_a_database_of_a_newer_version(tmp_path: Path, store_of) -> None:
    store = store_of(tmp_path)
    await store.write(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StartError, match="newer hiprep"):
        store_of(tmp_path)


@both_stores
def test_a_closed_store_takes_nothing(tmp_path: Path, store_of) -> None:
    store = store_of(tmp_path)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        asyncio.run(store.write(sessions.create, NEW))


@pytest.mark.parametrize(
    ("version", "warned"),
    [((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False)],
)
def test_the_wal_reset_bug_is_warned_about(version: tuple[int, ...], warned: bool) -> None:
    assert (version_warning(version) is not None) == warned
