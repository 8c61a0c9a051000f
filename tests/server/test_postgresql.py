"""What is particular to the second store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.errors import SettingsError, StartError, StoreError, StoreLost
from server.settings import Settings
from server.store import Store, journal, sessions


@pytest.fixture
def url(cluster) -> str:
    return cluster.database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()


def shown(connection, name: str) -> str:
    return connection.exec_driver_sql(f"SHOW {name}").scalar_one()


async def test_the_settings_that_durability_rests_on(store: Store) -> None:
    assert store.warnings == []
    assert await store.write(shown, "synchronous_commit") == "on"
    assert await store.write(shown, "fsync") == "on"
    assert store.read(shown, "transaction_read_only") == "on"
    assert store.read(shown, "transaction_isolation") == "repeatable read"


async def test_commits_that_would_not_wait_for_the_disk_are_made_to_wait_and_it_is_said(cluster, url: str) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    with cluster.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    store = Store(url)
    assert [warning for warning in store.warnings if "synchronous_commit is off" in warning] == store.warnings != []
    assert await store.write(shown, "synchronous_commit") == "on"
    store.close()


def test_one_server_a_database(store: Store, url: str, monkeypatch) -> None:
    from server.store import postgresql

    monkeypatch.setattr(postgresql, "LOCK_WAIT_S", 0.1)
    with pytest.raises(StartError, match="in use") as caught:
        Store(url)
    assert "\n" not in str(caught.value)
    store.close()
    Store(url).close()


async def test_a_database_that_goes_away_and_comes_back(cluster, store: Store, body: dict) -> None:
    """Its connections are cut; what failed has failed in one way only, and the next one stands."""
    new = body | {"info": bytes.fromhex(body["info"])}
    session, _ = await store.write(sessions.create, new)
    assert store.read(journal.count, session.number) == 0
    with cluster.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hiprep' AND pid <> pg_backend_pid()")
    with pytest.raises(StoreLost, match="not known"):
        await store.write(sessions.create, new)
    assert await store.write(sessions.create, new) == (session, False)
    assert store.read(journal.count, session.number) == 0


def test_an_encoding_that_keeps_little_is_refused(cluster) -> None:
    with pytest.raises(StartError, match="wanted encoding UTF8, got SQL_ASCII"):
        Store(cluster.database("ENCODING 'SQL_ASCII' TEMPLATE template0"))


def test_databases_that_cannot_be(tmp_path: Path, cluster) -> None:
    for wrong in ("mysql://x/y", "nonsense", ""):
        with pytest.raises(SettingsError, match="unknown kind of database"):
            Settings(tmp_path, database=wrong)
    with pytest.raises(SettingsError, match="got both"):
        Settings(tmp_path, database="postgresql:///x", max_database_mb=1)
    with pytest.raises(StartError, match="not a URL"):
        Store("postgresql://host:port/name")
    nobody = f"postgresql://hiprep:secret@/nobody?host={cluster.folder}"
    with pytest.raises(StartError, match="cannot be used") as caught:
        Store(nobody)
    assert "secret" not in str(caught.value)


def test_the_command_says_what_is_wrong_with_a_database(refused) -> None:
    assert "unknown kind of database" in refused("serve", "--port", "0", "--data", "data", "--database", "mysql://x/y")


async def test_a_failed_group_says_what_failed(store: Store) -> None:
    with pytest.raises(StoreError, match="nothing was stored"):
        await store.write(lambda connection: connection.exec_driver_sql("SELECT 1 / 0"))
