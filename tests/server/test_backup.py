"""R13: backup, restore, count again: identical bytes. And what is no backup."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from server.backup import back_up, restore
from server.errors import BackupError, StartError
from server.service import Service
from server.settings import Settings
from server.store import history, sessions

OURS = json.dumps({
    "title": "Ours", "version": "1", "source": "us", "items": [{"text": "How?", "options": [{"text": "So", "score": 1}, {"text": "Not", "score": 0}]}],
})  # fmt: skip
INTO = [("sqlite", "sqlite"), ("postgresql", "postgresql"), ("sqlite", "postgresql"), ("postgresql", "sqlite")]


@pytest.fixture
def place(request, tmp_path: Path):
    """Settings of a server on a directory, with a database of this kind."""

    def place(name: str, kind: str) -> Settings:
        database = request.getfixturevalue("cluster").database() if kind == "postgresql" else None
        return Settings(tmp_path / name, port=0, database=database)

    return place


async def fill(settings: Settings, body: dict, entries) -> tuple[str, str]:
    """One session that has ended, with a correction and a job; one in the middle."""
    service = Service.open(settings)
    ids = []
    for key, part in (("session-ended", entries), ("session-running", entries[:200])):
        session, _ = await service.ingest.create(body | {"info": bytes.fromhex(body["info"]), "key": key})
        await service.ingest.put(session.id, part)
        ids.append(session)
    await service.ingest.end(ids[0].id)
    await service.ingest.settle()
    said = {"action": "remove", "at_s": 6.02, "end_s": None, "label": None, "reason": "no \u2603", "author": "Zoë"}
    await service.store.write(history.correct, ids[0].number, said)
    await service.jobs.count_again(ids[0])
    await service.jobs.next()
    await service.stop()
    return ids[0].id, ids[1].id


@pytest.mark.parametrize(("kind", "into"), INTO)
async def test_backup_and_restore_keep_every_byte(tmp_path: Path, place, body, entries, expected, kind, into) -> None:
    first, second = place("first", kind), place("second", into)
    ended, running = await fill(first, body, entries)
    there = Service.open(first)  # a server that runs
    assert back_up(first, tmp_path / "one.tar") == 1
    assert restore(second, tmp_path / "one.tar") == 1
    back_up(second, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()

    here = Service.open(second)
    session = here.store.read(sessions.find, ended)
    again = [service.recordings.count(session) for service in (there, here)]
    stored = here.store.read(sessions.result, session.number)
    assert {(one.document, one.curve) for one in again} == {(stored.document, stored.curve)}
    assert here.store.read(history.corrections_of, session.number) == there.store.read(history.corrections_of, session.number)
    await here.ingest.put(running, entries[200:])  # it goes on where it was
    await here.ingest.end(running)
    assert json.loads(here.store.read(sessions.result, session.number + 1).document) == expected
    new, _ = await here.ingest.create(body | {"info": bytes.fromhex(body["info"]), "key": "a-new-session"})
    assert new.number == session.number + 2
    await here.stop()
    await there.stop()


@pytest.fixture
def backup(tmp_path: Path, place, body, entries) -> Path:
    settings = place("made", "sqlite")
    asyncio.run(fill(settings, body, entries))
    back_up(settings, tmp_path / "good.tar")
    return tmp_path / "good.tar"


async def test_only_an_empty_server_is_filled(tmp_path: Path, place, backup) -> None:
    made = place("made", "sqlite")
    with pytest.raises(BackupError, match="not empty"):
        restore(made, backup)
    service = Service.open(made)
    with pytest.raises(StartError, match="in use"):
        restore(made, backup)
    await service.stop()
    full = place("other", "postgresql")
    Service.open(full).close()
    with pytest.raises(BackupError, match="database is not empty"):
        restore(full, backup)
    assert not list((tmp_path / "other" / "recordings").iterdir())


async def test_what_is_no_backup_or_was_damaged(tmp_path: Path, place, backup: Path) -> None:
    good, bad = backup.read_bytes(), tmp_path / "bad.tar"
    offsets = [1, 600, len(good) // 2, good.index(b"PAR1") + 100, good.rindex(b'"revision"')]
    damaged = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in offsets]
    cut = [good[: len(good) * part // 8] for part in range(8)]
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../evil"))
    for content in (*damaged, *cut, evil.getvalue(), b"nothing"):
        bad.write_bytes(content)
        with pytest.raises((BackupError, StartError)) as caught:
            restore(place("target", "sqlite"), bad)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "target" / "hiprep.sqlite3").exists(), hashlib.sha256(content).hexdigest()
    assert restore(place("target", "sqlite"), backup) == 1


async def test_a_clinics_own_words_go_along(tmp_path: Path, place, backup) -> None:
    """Without them everybody would be asked for consent anew, and nobody could answer what was asked before."""
    made, words = place("made", "sqlite"), {"consent.txt": "Our words.", "questionnaires/ours.json": OURS}
    (tmp_path / "made" / "questionnaires").mkdir()
    for name, text in words.items():
        (tmp_path / "made" / name).write_text(text)
    back_up(made, tmp_path / "words.tar")
    restore(place("copy", "sqlite"), tmp_path / "words.tar")
    assert {name: (tmp_path / "copy" / name).read_text() for name in words} == words
    service = Service.open(place("copy", "sqlite"))
    assert service.consent.words == "Our words." and "ours" in service.questionnaires
    await service.stop()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "consent.txt").write_text("Other words.")
    for kept in (tmp_path / "words.tar", backup):
        with pytest.raises(BackupError, match="other words"):
            restore(place("other", "sqlite"), kept)
    (tmp_path / "other" / "consent.txt").write_text("Our words.")
    assert restore(place("other", "sqlite"), tmp_path / "words.tar") == 1


def test_the_commands(run, refused, tmp_path: Path, place, backup) -> None:
    data = ["--data", tmp_path / "made"]
    done = run("backup", tmp_path, *data)
    assert done.status == 0 and done.out.endswith("the tables and 1 recordings\n")
    (made,) = tmp_path.glob("hiprep-*.tar")
    assert made.read_bytes() == backup.read_bytes() and made.stat().st_mode & 0o777 == 0o600
    assert run("restore", made, "--data", tmp_path / "copy").status == 0
    done = run("reprocess", "--all", "--data", tmp_path / "copy")
    assert (done.status, done.out.count("\n")) == (0, 1) and "the same result" in done.out
    id_ = done.out.split("\t")[0]
    assert run("reprocess", "--session", id_, "--data", tmp_path / "copy").out == done.out
    assert "nothing to count again" in run("reprocess", "--session", "x", "--data", tmp_path / "copy").err
    made.unlink()
    assert "nothing to back up" in refused("backup", "out.tar", "--data", "nowhere")
    assert "cannot read" in refused("restore", "nowhere.tar", "--data", "nowhere")
