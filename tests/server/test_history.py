"""After the end: counted again, corrected by hand."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

import processing
from sensor.frames import Entry
from server.api.shapes import Tally
from server.difference import any_of, difference
from server.rows import Session
from server.service import Service
from server.store import history, sessions
from server.store.schema import results

both_stores = pytest.mark.both_stores


@pytest.fixture
async def service(tmp_path: Path, settings_of) -> AsyncIterator[Service]:
    service = Service.open(settings_of(tmp_path))
    yield service
    await service.stop()


async def ended(service: Service, body: dict, entries: list[Entry], key: str = "a-session") -> Session:
    session, _ = await service.ingest.create(body | {"info": bytes.fromhex(body["info"]), "key": key})
    await service.ingest.put(session.id, entries)
    await service.ingest.end(session.id)
    await service.ingest.settle()
    return service.store.read(sessions.find, session.id)


def grow_old(document: dict):
    """As an older version would have stored it: the third repetition missed, the first one smaller, one too many."""

    def job(connection) -> None:
        old = copy.deepcopy(document)
        del old["reps"][2]
        old["reps"][0]["rom_deg"] -= 3
        extra = old["reps"][0] | {"start_s": 0.5, "peak_s": 1.0, "end_s": 1.5}
        old["reps"].insert(0, extra)
        connection.execute(update(results).values(version="1-older", document=json.dumps(old)))

    return job


@both_stores
async def test_the_recording_gives_what_the_packets_gave(service, body, entries, expected) -> None:
    session = await ended(service, body, entries)
    live = service.store.read(sessions.result, session.number)
    assert session.recording and json.loads(live.document) == expected
    again = service.recordings.count(session)
    assert (again.document, again.curve, again.version) == (live.document, live.curve, live.version)


async def test_packets_that_waited_for_an_earlier_one_are_counted_when_they_were(service, body, entries) -> None:
    """One in four comes up to five packets late; the samples of those behind it come with it."""
    rng = random.Random(5)
    order = sorted(range(len(entries)), key=lambda i: i + (rng.uniform(1, 5) if rng.random() < 0.25 else 0))
    arrived = [entries[at]._replace(index=i, host_ns=entries[i].host_ns) for i, at in enumerate(order)]
    session = await ended(service, body, arrived)
    live = service.store.read(sessions.result, session.number)
    assert service.recordings.count(session).document == live.document


@both_stores
async def test_another_version_is_added_and_what_it_changed_is_said(service, body, entries, expected) -> None:
    session = await ended(service, body, entries)
    await service.store.write(grow_old(expected))
    job = await service.jobs.count_again(session)
    assert (await service.jobs.count_again(session)).id == job.id  # it waits already
    assert await service.jobs.next() and not await service.jobs.next()
    done = service.store.read(history.newest_job, session.number)
    assert (done.id, done.state, done.outcome, done.version, done.attempts) == (job.id, "done", "counted", processing.VERSION, 1)

    old, new = service.store.read(history.versions, session.number)
    assert (old.version, new.version) == ("1-older", processing.VERSION)
    for before, wanted in ((None, new), (new.version, old)):  # page by page
        (head,) = service.store.read(history.heads, session.number, 1, before)
        assert (head["version"], head["made_at"], head["tally"]["counted"]) == (wanted.version, wanted.made_at, wanted.counted)
    assert service.store.read(history.heads, session.number, 1, old.version) == []
    found = difference(json.loads(old.document), json.loads(new.document))
    assert [rep["start_s"] for rep in found["added"]] == [expected["reps"][2]["start_s"]]
    assert [rep["start_s"] for rep in found["removed"]] == [0.5]
    assert [one["changes"] for one in found["changed"]] == [
        {"rom_deg": [expected["reps"][0]["rom_deg"] - 3, expected["reps"][0]["rom_deg"]]}
    ]


@both_stores
async def test_the_same_version_is_confirmed_or_found_out(service, body, entries, expected) -> None:
    session = await ended(service, body, entries)
    await service.jobs.count_again(session)
    await service.jobs.next()
    assert service.store.read(history.newest_job, session.number).outcome == "confirmed"
    await service.store.write(grow_old(expected))
    await service.store.write(lambda c: c.execute(update(results).values(version=processing.VERSION)))
    await service.jobs.count_again(session)
    await service.jobs.next()
    assert service.store.read(history.newest_job, session.number).outcome == "differs"
    assert len(service.store.read(history.versions, session.number)) == 1


async def test_a_recording_that_is_broken_fails_its_job_and_no_other(service, body, entries) -> None:
    broken, well = [await ended(service, body, entries, key) for key in ("session-1", "session-2")]
    (service.data.recordings / broken.recording).write_bytes(b"nothing")
    for session in (broken, well):
        await service.jobs.count_again(session)
    while await service.jobs.next():
        pass
    failed = service.store.read(history.newest_job, broken.number)
    assert failed.state == "failed" and failed.error.startswith(f"{broken.recording} is not a Parquet file")
    assert service.store.read(history.newest_job, well.number).outcome == "confirmed"


async def test_a_job_under_which_servers_end_is_given_up(service, body, entries) -> None:
    session = await ended(service, body, entries)
    await service.jobs.count_again(session)
    for _ in range(history.ATTEMPTS):
        assert await service.store.write(history.take)
        await service.store.write(history.resume)
    assert await service.store.write(history.take) is None
    given_up = service.store.read(history.newest_job, session.number)
    assert given_up.state == "failed" and "never finished" in given_up.error


@both_stores
async def test_kills_while_sessions_are_counted_again_leave_one_result_each(
    tmp_path, server_process, store_of, connect, entries, expected
) -> None:
    with server_process(tmp_path) as (process, url), connect(url) as client:
        ids = [client.create(f"session-{i}")["id"] for i in range(3)]
        for id_ in ids:
            client.send_all(id_, entries, 1024)
            client.end(id_)
        process.terminate()
        process.wait(20)
    store = store_of(tmp_path)
    await store.write(lambda c: c.execute(update(results).values(version="1-older")))
    store.close()
    for kill in range(2):
        with server_process(tmp_path) as (process, url), connect(url) as client:
            for id_ in ids if kill == 0 else []:
                assert client.post(f"/api/v1/sessions/{id_}/reprocess").status_code == 202
            while sum(job_of(client, id_)["state"] == "done" for id_ in ids) < kill + 1:
                await asyncio.sleep(0.01)
            process.kill()
    with server_process(tmp_path) as (_, url), connect(url) as client:
        while any(job_of(client, id_)["state"] != "done" for id_ in ids):
            await asyncio.sleep(0.01)
        for id_ in ids:
            full = client.get(f"/api/v1/sessions/{id_}").json()
            assert full["result"] == expected
            assert [one["version"] for one in full["history"]["versions"]] == ["1-older", processing.VERSION]


def job_of(client, session_id: str) -> dict:
    return client.get(f"/api/v1/sessions/{session_id}").json()["history"]["job"]


# The difference, on its own


def test_nothing_differs_from_itself_nor_within_rounding(expected) -> None:
    other = copy.deepcopy(expected)
    for rep, sign in zip(other["reps"], itertools.cycle((1, -1))):
        rep["rom_deg"] += sign * 1e-4
        rep["counted_s"] += 0.3
        rep["newer"] = "a newer version says more"
    assert not any_of(difference(expected, other)) and not any_of(difference(other, expected))


@given(gone=st.sets(st.integers(0, 7)), moved=st.sets(st.integers(0, 7)), by=st.floats(0.001, 0.4))
def test_what_differs_is_what_was_changed(expected, gone: set[int], moved: set[int], by: float) -> None:
    other = copy.deepcopy(expected)
    for i in moved:
        other["reps"][i]["start_s"] -= by
    other["reps"] = [rep for i, rep in enumerate(other["reps"]) if i not in gone]
    found = difference(expected, other)
    assert found["removed"] == [rep for i, rep in enumerate(expected["reps"]) if i in gone]
    assert found["added"] == []
    assert [one["before"] for one in found["changed"]] == [expected["reps"][i] for i in sorted(moved - gone)]
    assert all(one["changes"].keys() == {"start_s"} for one in found["changed"])
    assert difference(other, expected)["added"] == found["removed"]


# Corrections


def said(action: str, at_s: float, **more: object) -> dict:
    return {"action": action, "at_s": at_s, "reason": "I watched", "author": "P. Hysio"} | more


@both_stores
def test_corrections_lie_over_the_result_and_leave_it_as_it_is(client, entries, expected) -> None:
    session = client.create()
    path = f"/api/v1/sessions/{session['id']}"
    assert client.post(f"{path}/corrections", json=said("remove", 1.0)).status_code == 409
    client.send_all(session["id"], entries)
    before = client.end(session["id"])
    assert before["history"]["corrected"] is None
    reps = expected["reps"]
    free = reps[3]["end_s"] + 1, reps[3]["end_s"] + 3
    for one in (
        said("remove", reps[0]["peak_s"]),
        said("relabel", reps[1]["peak_s"], label="partial"),
        said("add", free[0], end_s=free[1], label="compensated"),
    ):
        made = client.post(f"{path}/corrections", json=one)
        assert made.status_code == 201 and one.items() <= made.json().items()
    after = client.get(path).json()
    assert (after["result"], after["tally"]) == (expected, before["tally"])
    corrected = after["history"]["corrected"]
    assert corrected["tally"] == {"counted": 7, "good": 6, "compensated": 1, "partial": 1}
    assert Tally(**corrected["tally"]) and corrected["unmatched"] == []
    removed, relabelled, *_ = corrected["reps"]
    assert removed["removed"] and removed["by_hand"] == [after["history"]["corrections"][0]["id"]]
    assert (relabelled["counted"], relabelled["flags"][0]) == (False, "partial")
    (added,) = [rep for rep in corrected["reps"] if rep["rep"] is None]
    assert (added["set"], added["start_s"], added["compensated"]) == (reps[3]["set"], free[0], True)

    client.post(f"{path}/corrections", json=said("relabel", reps[0]["peak_s"], label="good"))  # taken back
    corrected = client.get(path).json()["history"]["corrected"]
    assert corrected["tally"]["counted"] == 8 and len(corrected["reps"][0]["by_hand"]) == 2


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"action": "move"}, "body.action"),
        ({"at_s": 0.0}, "body.at_s"),
        ({"at_s": -1}, "body.at_s"),
        ({"label": "good"}, "body.label"),
        ({"end_s": 5.0}, "body.end_s"),
        ({"reason": "  "}, "body.reason"),
        ({"reason": "x" * 501}, "body.reason"),
        ({"author": "a\0b"}, "body.author"),
        ({"author": None}, "body.author"),
        ({"action": "relabel"}, "body.label"),
        ({"action": "add", "label": "good"}, "body.end_s"),
        ({"action": "add", "label": "good", "end_s": 1e9}, "body.end_s"),
        ({"action": "add", "label": "good", "end_s": "inside"}, "body.at_s"),
        ({"person": 1}, "body.person"),
    ],
)
def test_corrections_that_cannot_be(client, entries, expected, change: dict, where: str) -> None:
    session = client.create()
    client.send_all(session["id"], entries, 1024)
    client.end(session["id"])
    rep = expected["reps"][0]
    body = said("remove", rep["peak_s"]) | change
    if body.get("end_s") == "inside":
        body["end_s"] = rep["end_s"]
    answer = client.post(f"/api/v1/sessions/{session['id']}/corrections", json=body)
    assert (answer.status_code, answer.json()["where"]) == (422, where), answer.text
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["history"]["corrections"] == []


async def test_a_correction_of_what_a_version_does_not_have_is_kept_and_said(service, body, entries, expected) -> None:
    from server.access import Who
    from server.api.history import add_correction
    from server.api.sessions import full_of
    from server.api.shapes import NewCorrection

    session = await ended(service, body, entries)
    made = await add_correction(service, Who(open=True), session.id, NewCorrection(**said("remove", expected["reps"][2]["peak_s"])))
    assert (await full_of(service, session.id))["history"]["corrected"]["unmatched"] == []
    await service.store.write(grow_old(expected))
    full = await full_of(service, session.id)
    assert full["history"]["corrected"]["unmatched"] == [made["id"]]
    assert full["history"]["corrections"][0]["id"] == made["id"]


# The page


def test_the_page_counts_again_and_corrects(client, entries, expected) -> None:
    session = client.create()
    client.send_all(session["id"], entries)
    client.end(session["id"])
    path, form = f"/sessions/{session['id']}", {"content-type": "application/x-www-form-urlencoded"}
    told = urlencode({"at_s": expected["reps"][0]["peak_s"], "what": "relabel:partial", "reason": "<b>low</b>", "author": "Zoë"})
    answer = client.post(f"{path}/corrections", content=told, headers=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#by-hand")
    page = " ".join(client.get(path).text.split())
    assert "Counted: 8. Corrected: <strong>7</strong>" in page
    assert "was partial: &lt;b&gt;low&lt;/b&gt;" in page and "(Zoë, " in page
    nonsense = client.post(f"{path}/corrections", content=b"what=remove&at_s=x", headers=form | {"accept": "text/html"})
    assert nonsense.status_code == 422 and "Back to the start" in nonsense.text

    answer = client.post(f"{path}/reprocess", headers=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#history")
    while job_of(client, session["id"])["state"] != "done":
        pass
    assert "the same result" in client.get(path).text
    version = client.get(f"/api/v1{path}/results/{processing.VERSION}")
    assert version.json() == expected
    assert client.get(f"/api/v1{path}/results/0").status_code == 404
