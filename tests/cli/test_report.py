"""`web-analytics report`, against a server that notes what it is asked."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from cli.api_client import find_api
from cli.main import app
from embedded.errors import StackError
from settings.load import load_settings

PAGE = "<!doctype html>\n<p>24 % more – café</p>\n".encode()


class FakeApi(BaseHTTPRequestHandler):
    """Answers every report with PAGE, and refuses as the API does."""

    asked: list[tuple[str, dict[str, list[str]], str | None]] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        key = self.headers.get("X-API-Key")
        self.asked.append((parts.path, parse_qs(parts.query), key))
        if parts.path == "/reports/moved":
            self.send_response(302)
            self.send_header("Location", "/reports/weekly")
            self.end_headers()
        elif key != "right":
            self.refuse(401, "unauthorized", "an unknown key was given.")
        elif parts.path == "/reports/busy":
            self.refuse(503, "busy", "As many queries wait as may.", {"Retry-After": "7"})
        elif parts.path != "/reports/weekly":
            self.refuse(404, "not_found", "name: given 'x', allowed: weekly.")
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(PAGE) + ("cut" in parts.query)))
            self.end_headers()
            self.wfile.write(PAGE)

    def refuse(
        self, status: int, type_: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        body = {"error": {"type": type_, "message": message, "details": []}}
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(FakeApi, "asked", [])
    # A proxy must not be asked for what is on this machine.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("WEB_ANALYTICS_API_KEY", raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeApi)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path, url: str) -> Path:
    """A data folder over which `up` runs."""
    (tmp_path / "run.json").write_text(json.dumps({"api": url, "api_key": "right"}))
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments, "--data-dir", str(folder)])


def test_writes_what_the_running_api_answers(folder: Path) -> None:
    file = folder / "weekly.html"
    file.write_text("old")
    result = run(folder, "weekly", "--output", str(file))
    assert result.exit_code == 0, result.output
    assert file.read_bytes() == PAGE
    assert FakeApi.asked == [("/reports/weekly", {"format": ["html"]}, "right")]
    assert sorted(path.name for path in folder.iterdir()) == ["run.json", "weekly.html"]
    plain = folder / "plain"
    plain.touch()
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_every_option_is_a_parameter(folder: Path) -> None:
    result = run(
        folder,
        *("weekly", "--start", "2026-05-01", "--end", "2026-06-01", "--site", "shop & co"),
        *("--timezone", "Europe/Berlin", "--include-bots"),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout_bytes == PAGE
    (_, params, _), *_ = FakeApi.asked
    assert {name: value for name, (value,) in params.items()} == {
        "start": "2026-05-01",
        "end": "2026-06-01",
        "site_id": "shop & co",
        "timezone": "Europe/Berlin",
        "include_bots": "true",
        "format": "html",
    }


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        (["-o", "a.csv"], "csv"),
        (["-o", "a.JSON"], "json"),
        (["-o", "a.txt"], "html"),
        (["-o", "a.csv", "--format", "json"], "json"),
    ],
)
def test_the_form_is_that_of_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], form: str
) -> None:
    monkeypatch.chdir(folder)
    assert run(folder, "weekly", *arguments).exit_code == 0
    assert FakeApi.asked[0][1]["format"] == [form]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x"], "/reports/x: 404: name: given 'x', allowed: weekly."),
        (["a/../b"], "/reports/a%2F..%2Fb: 404"),
        (["weekly", "--key", "wrong"], "401: an unknown key was given. Name a key with --key"),
        (["busy"], "503: As many queries wait as may. Try again in 7 s."),
        (["moved"], "302"),
        (["weekly", "--site", "cut"], "the answer broke off"),
        (["weekly", "--api", "ftp://x"], "wanted http://host:port"),
        (["weekly", "--api", "http://127.0.0.1:1"], "no API answers at http://127.0.0.1:1"),
    ],
)
def test_a_failure_says_why_and_leaves_the_file(
    folder: Path, arguments: list[str], message: str
) -> None:
    file = folder / "weekly.html"
    file.write_text("old")
    result = run(folder, *arguments, "--output", str(file))
    assert isinstance(result.exception, StackError)  # `main` makes exit code 2 of it
    assert message in str(result.exception)
    assert file.read_text() == "old"
    assert len(list(folder.iterdir())) == 2


def test_a_folder_that_is_not_there_is_named(folder: Path) -> None:
    result = run(folder, "weekly", "-o", str(folder / "none" / "a.html"))
    assert isinstance(result.exception, StackError)
    assert "none/a.html" in str(result.exception)


def test_the_key_may_come_from_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_ANALYTICS_API_KEY", "wrong")
    assert "401" in str(run(folder, "weekly").exception)
    assert FakeApi.asked[0][2] == "wrong"


def test_a_key_that_was_found_goes_nowhere_else(folder: Path, url: str) -> None:
    assert "401" in str(run(folder, "weekly", "--api", f"{url}/").exception)
    assert FakeApi.asked == [("/reports/weekly", {"format": ["html"]}, None)]


def test_without_a_running_stack_the_settings_say_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_ANALYTICS_SERVING__HOST", "0.0.0.0")
    monkeypatch.setenv("WEB_ANALYTICS_SERVING__PORT", "8123")
    monkeypatch.setenv("WEB_ANALYTICS_SERVING__API_KEYS", '["of the settings"]')
    found = find_api(load_settings(data_dir=str(tmp_path)), None, None)
    assert (found.url, found.key) == ("http://127.0.0.1:8123", "of the settings")


def test_a_broken_run_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(StackError, match=r"run\.json"):
        find_api(load_settings(data_dir=str(tmp_path)), None, None)
