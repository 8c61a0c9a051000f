"""Pain stops a session and tells the physio."""

from __future__ import annotations

from conftest import beginning
from house import housing

from sensor.frames import encode_frame


def test_too_much_pain_stops_the_session_and_comes_first(tmp_path, entries) -> None:
    with housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        physio, fine, pat = admin.add("Phil Physio", "staff"), admin.add("Ann Other", "patient"), admin.add("Pat Patient", "patient")
        for patient in (fine, pat):
            admin.assign(physio, patient)
        plan = {"starts_on": "2026-01-01", "items": [{"exercise": "hip_external_rotation", "side": "left"}], "pain_stop": 3}
        assert physio.post(f"/api/v1/patients/{pat.id}/programme", json=plan).status_code == 201
        device = pat.pair()

        def session(key: str, pain: int) -> tuple[bool, str]:
            """Whether it still runs after that pain, and the page."""
            id = device.post("/api/v1/sessions", json=beginning(key)).json()["id"]
            path = f"/api/v1/sessions/{id}"
            assert device.post(f"{path}/packets", content=encode_frame(entries[:10])).status_code == 200
            assert 'value="pain"' in pat.get(f"/sessions/{id}/live").text  # a reason to stop
            assert pat.post(f"/sessions/{id}/report", data={"pain_worst": str(pain)}).status_code == 303
            runs = device.post(f"{path}/packets", content=encode_frame(entries[10:20])).status_code == 200
            assert runs is (pat.get(path).json()["state"] != "ended")
            return runs, pat.get(f"/sessions/{id}").text

        runs, page = session("first-session", 3)
        assert runs and "Pain above" not in page and "pain 3" not in physio.get("/patients").text
        runs, page = session("second-session", 4)
        assert not runs and "Pain above 3 of 10: stop here" in page
        assert "pain 4 of 10" in (listed := physio.get("/patients").text) and listed.index("Pat Patient") < listed.index("Ann Other")
        other = fine.post("/api/v1/sessions", json=beginning("jump-session-1")).json()["id"]
        assert fine.put(f"/api/v1/sessions/{other}/report", json={"pain_worst": 5}).json()["pain_worst"] == 5
        assert fine.get(f"/api/v1/sessions/{other}").json()["ended_at"] is None  # 5 is not above 5
        assert fine.put(f"/api/v1/sessions/{other}/report", json={"pain_worst": 6}).status_code == 200
        assert fine.get(f"/api/v1/sessions/{other}").json()["ended_at"] is not None


def test_a_jump_of_pain_is_told(tmp_path) -> None:
    with housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        physio, pat = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient")
        admin.assign(physio, pat)
        for number, (pain, told) in enumerate(((1, ""), (2, ""), (4, "pain 2 → 4"))):
            id = pat.post("/api/v1/sessions", json=beginning(f"session-{number}")).json()["id"]
            assert pat.put(f"/api/v1/sessions/{id}/report", json={"pain_worst": pain}).status_code == 200
            shown = physio.get("/patients").text
            assert told in shown if told else "→" not in shown


def test_without_accounts_too(client, entries) -> None:
    id = client.create()["id"]
    assert client.put(f"/api/v1/sessions/{id}/report", json={"pain_before": 6}).status_code == 200
    assert client.put_packets(id, entries[:10]).status_code == 409
    assert client.get(f"/sessions/{id}").text.count("Pain above 5 of 10") == 1
