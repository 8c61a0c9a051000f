from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from server.errors import SettingsError, StartError
from server.run import running
from server.settings import Settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_only_this_computer_is_served(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="only this computer is served") as caught:
        Settings(tmp_path, host=host)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"port": -1}, {"port": 65536}, {"port": "x"}, {"max_database_mb": 0}])
def test_settings_that_make_no_sense(tmp_path: Path, changes: dict) -> None:
    with pytest.raises(SettingsError, match="wanted"):
        Settings(tmp_path, **changes)


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="not a directory"):
        Settings(tmp_path / "file")
    with pytest.raises(StartError, match="cannot be used"), running(Settings(tmp_path / "file" / "inside", port=0)):
        pass


def test_a_second_start_on_the_same_port(tmp_path: Path) -> None:
    with running(Settings(tmp_path / "one", port=0)) as url:
        port = urlsplit(url).port
        with pytest.raises(StartError, match=f"port {port} on 127.0.0.1 is in use"):
            with running(Settings(tmp_path / "two", port=port)):
                pass
        assert not (tmp_path / "two").exists()
        assert httpx.get(url).status_code == 200
    with running(Settings(tmp_path / "two", port=port)) as url:
        assert urlsplit(url).port == port


def test_a_second_server_on_the_same_data(tmp_path: Path) -> None:
    with running(Settings(tmp_path, port=0)):
        with pytest.raises(StartError, match="in use"), running(Settings(tmp_path, port=0)):
            pass
    with running(Settings(tmp_path, port=0)) as url:
        assert httpx.get(url).status_code == 200


def test_the_start_says_where_and_warns_about_an_affected_sqlite(tmp_path: Path, server_process) -> None:
    import sqlite3

    with server_process(tmp_path) as (process, url):
        assert httpx.get(url).status_code == 200
        process.terminate()
        process.wait(20)
        assert ("WAL-reset" in process.stderr.read()) == ((3, 7, 0) <= sqlite3.sqlite_version_info <= (3, 51, 2))


def test_importing_the_package_is_light() -> None:
    code = "import sys, server; print(*sorted({'fastapi', 'sqlalchemy', 'numpy', 'processing'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "\n"


def test_starting_does_not_load_the_heavy_parts(tmp_path: Path) -> None:
    code = (
        "import sys; from server.app import create_app; from server.settings import Settings;"
        "create_app(Settings(sys.argv[1], port=0)).state.service.close();"
        "print(*sorted({'pyarrow', 'bleak', 'bumble', 'scipy.optimize', 'babel', 'zxcvbn', 'limits', 'fpdf',"
        "'server.demo_clinic', 'multiprocessing'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout == "\n", done.stdout + done.stderr
