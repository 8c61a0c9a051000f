"""Beyond this computer only over TLS and with accounts; without accounts never (S5, S9, S18)."""

from __future__ import annotations

import datetime
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from house import CHEAP, PASSWORD, Browser, Clock, House, housing

from sensor import pairing
from sensor.errors import SourceError, UplinkError
from server.errors import SettingsError, StartError
from server.run import running
from server.settings import Settings

URL = "https://clinic.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """Self-signed, for localhost: (chain, key)."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = datetime.datetime(2020, 1, 1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize(
    "told",
    [
        {"host": "0.0.0.0"},
        {"host": "0.0.0.0", "url": URL},
        {"host": "0.0.0.0", "behind_proxy": True},
        {"host": "0.0.0.0", "url": "http://clinic.example", "behind_proxy": True},
        {"host": "0.0.0.0", "url": "https://clinic.example/path", "behind_proxy": True},
        {"host": "0.0.0.0", "url": "https://a@clinic.example", "behind_proxy": True},
        {"host": "0.0.0.0", "url": URL, "tls_cert": Path("cert.pem")},
        {"host": "0.0.0.0", "url": URL, "tls_cert": Path("cert.pem"), "tls_key": Path("key.pem")},
        {"host": "0.0.0.0", "url": URL, "tls_cert": Path("c"), "tls_key": Path("k"), "behind_proxy": True},
        {"behind_proxy": True},
        {"url": URL},
        {"tls_cert": Path("cert.pem"), "tls_key": Path("key.pem")},
    ],
)
def test_beyond_this_computer_only_over_tls(tmp_path: Path, told: dict) -> None:
    with pytest.raises(SettingsError, match="wanted") as caught:
        Settings(tmp_path, **told)
    assert "\n" not in str(caught.value)


def test_the_command_refuses_plain_http_beyond_this_computer(run, tmp_path: Path) -> None:
    done = run("serve", "--host", "0.0.0.0", "--data", tmp_path / "data")
    assert (done.status, done.out) == (2, "") and "only this computer is served" in done.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "headers",
    [{"x-forwarded-for": "10.0.0.1"}, {"forwarded": "for=10.0.0.1"}, {"via": "1.1 proxy"}, {"x-real-ip": "10.0.0.1"}],
)
def test_without_accounts_no_proxy_gets_through(client, headers: dict) -> None:
    assert client.get("/", headers=headers).status_code == 403


def test_without_accounts_what_speaks_http_1_0_is_a_proxy(client) -> None:
    import socket

    host, port = client.base_url.host, client.base_url.port
    with socket.create_connection((host, port)) as plain:
        plain.sendall(f"GET / HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
        assert plain.recv(64).split()[1] == b"403"


def test_without_accounts_there_is_no_door_to_make_one(client) -> None:
    for path in ("/login", "/login/code", "/invitation", "/people", "/patients"):
        assert client.get(path).status_code == 404, path
    assert client.post("/api/v1/devices", json={"code": "0000-0000", "name": "x"}).status_code == 404


def test_once_there_is_a_clinic_nobody_comes_in_without_an_account(tmp_path: Path) -> None:
    with running(Settings(tmp_path, port=0)) as url:
        assert httpx.get(url, verify=False).status_code == 200
    with housing(tmp_path) as house:
        assert httpx.get(house.url, verify=False).status_code == 401
        house.found("Hillside", "Ada Admin")
    links = []
    with running(Settings(tmp_path, port=0), link=links.append) as url:
        assert httpx.get(url, verify=False).status_code == 401
        assert httpx.get(f"{url}/api/v1/sessions", verify=False).status_code == 401
    assert links == [None]


def test_an_address_of_this_machine_with_a_url_needs_accounts_at_once(tmp_path: Path) -> None:
    links = []
    settings = Settings(tmp_path, port=0, url=URL, behind_proxy=True, password_cost=CHEAP, clock=Clock())
    with running(settings, link=links.append):
        pass
    assert links[0].startswith(f"{URL}/invitation#") and len(links[0].partition("#")[2]) == 43


def test_over_tls_with_the_cookie_that_only_tls_may_set(tmp_path: Path, certificate) -> None:
    cert, key = certificate
    port = free_port()
    told = {"port": port, "url": f"https://localhost:{port}", "tls_cert": cert, "tls_key": key}
    context = ssl.create_default_context(cafile=str(cert))
    with housing(tmp_path, **told) as house:
        browser = httpx.Client(base_url=house.url, verify=context, headers={"origin": house.url})
        secret = house.link.partition("#")[2]
        form = {"secret": secret, "email": "a@b.example", "password": PASSWORD, "clinic": "C", "name": "N", "time_zone": "UTC"}
        answer = browser.post("/invitation", data=form)
        cookie = answer.headers["set-cookie"]
        assert answer.status_code == 303 and cookie.startswith("__Host-hiprep=")
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; ")) and "Domain" not in cookie
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert browser.get("/login/code").status_code == 200
        for host in ("evil.example", f"127.0.0.1:{port}", f"localhost:{port + 1}", "localhost:x"):
            assert browser.get("/login", headers={"host": host}).status_code == 421, host
        plain = {"origin": house.url.replace("https", "http")}
        assert browser.post("/login/code", data={"code": "1"}, headers=plain).status_code == 403
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://localhost:{port}/login", verify=False)


def test_behind_a_proxy_it_counts_whom_the_proxy_names(tmp_path: Path) -> None:
    settings = Settings(tmp_path, port=0, url=URL, behind_proxy=True, password_cost=CHEAP, clock=Clock())
    with running(settings) as shown:
        assert shown == URL
    port = free_port()
    with housing(tmp_path, port=port, url=URL, behind_proxy=True):
        proxy = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"host": "clinic.example", "origin": URL}, verify=False)

        def pair(address: str) -> int:
            headers = {"x-forwarded-for": address}
            return proxy.post("/api/v1/devices", json={"code": "0000-0000", "name": "x"}, headers=headers).status_code

        assert [pair("1.2.3.4, 10.0.0.1") for _ in range(11)][-1] == 429
        assert pair("10.0.0.1, 10.0.0.2") == 404  # what a client says of itself comes first and counts for nothing
        assert pair("10.0.0.1") == 429


def test_the_start_prints_the_link_until_somebody_can_let_others_in(tmp_path: Path) -> None:
    code = (
        "import sys; from server.run import serve; from server.settings import Settings;"
        "serve(Settings(sys.argv[1], port=0, clinic=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        at, link = process.stdout.readline().split()[-1], process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert link.startswith(f"{at}/invitation#")


def test_an_admin_whom_nobody_can_let_in_gets_a_link_on_the_terminal(tmp_path: Path) -> None:
    with housing(tmp_path) as house:
        key = house.found("Hillside", "Ada Admin").key
    for unknown in ("nobody@example.org", "Ada Admin"):
        with pytest.raises(StartError, match="nobody has the address"), running(Settings(tmp_path, port=0, link_for=unknown)):
            pass
    with housing(tmp_path, house.clock, link_for=" ADA.Admin@example.org ") as house:
        browser = Browser(house).take(house.link, "ada.admin@example.org", "quite another phrase")
        assert browser.key != key and "Hillside" in browser.get("/people").text


def test_one_subscriber_is_one_address(tmp_path: Path) -> None:
    port = free_port()
    with housing(tmp_path, port=port, url=URL, behind_proxy=True):
        proxy = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"host": "clinic.example", "origin": URL}, verify=False)

        def pair(address: str) -> int:
            told = {"json": {"code": "0000-0000", "name": "x"}, "headers": {"x-forwarded-for": address}}
            return proxy.post("/api/v1/devices", **told).status_code

        assert [pair(f"2001:db8::{n}") for n in range(11)][-1] == 429
        assert pair("2001:db8:0:1::1") == pair("not an address") == 404


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


# The patient's computer


@pytest.fixture
def config(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "hiprep" / "servers.json"


def paired(house: House) -> tuple[Browser, str]:
    import re

    pat = house.found("Hillside", "Ada Admin").add("Pat Patient", "patient")
    return pat, re.search(r"hiprep pair (\S+)", pat.post(f"/patients/{pat.id}/pairing").text)[1]


def test_a_computer_is_paired_and_its_session_arrives(run, tmp_path: Path, config: Path) -> None:
    with housing(tmp_path / "data") as house:
        live = ("live", "virtual:hip_abduction", "--exercise", "hip_abduction", "--side", "left", "--speed", 25, "--json")
        refused = run(*live, "--server", house.url)
        assert refused.status == 1 and "log in first (401)" in refused.err
        pat, code = paired(house)
        done = run("pair", code, "--server", house.url + "/")
        assert (done.status, done.out) == (0, f"paired with {house.url}/\n")
        assert config.stat().st_mode & 0o777 == 0o600
        again = run("pair", code, "--server", house.url)
        assert again.status == 1 and "does not work" in again.err and again.err.count("\n") == 1
        done = run(*live, "--server", house.url)
        assert done.status == 0, done.err
        (session,) = pat.get("/api/v1/sessions").json()["sessions"]
        assert session["state"] == "ended" and session["tally"]["counted"] == 10


def test_a_token_goes_over_tls_only(config: Path, monkeypatch) -> None:
    with pytest.raises(SourceError, match="TLS only"):
        pairing.pair("http://clinic.example", "0000-0000")
    with pytest.raises(UplinkError, match="cannot be reached"):
        pairing.pair("http://127.0.0.1:9", "0000-0000")
    assert not config.exists()


def test_a_token_is_for_its_server_only(config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text('{"https://clinic.example": "secret"}')
    assert pairing.authorization("https://Clinic.example/") == {"Authorization": "Bearer secret"}
    for other in ("http://clinic.example", "https://clinic.example:444", "https://clinic.example.evil.org", "https://evil.example"):
        assert pairing.authorization(other) == {}
    for bad in ("{", "[]", '{"a": 1}'):
        config.write_text(bad)
        with pytest.raises(SourceError, match="cannot be read"):
            pairing.authorization("https://clinic.example")
