"""A headless Chromium of this machine, driven over its own pipe: no driver, no further package.

The DevTools protocol as JSON, each message ended by a zero byte (`--remote-debugging-pipe`): what
Puppeteer and Playwright speak too. Only what the dashboard's tests need; every call waits for a
condition, never for a time.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embedded.process import die_with_parent

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
TIMEOUT_S = 60
# Chromium wants its pipe as descriptors 3 and 4, whatever these are here.
_LAUNCH = (
    "import fcntl, os, sys; a, b = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3]);"
    "os.dup2(a, 3); os.dup2(b, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
_OPTIONS = (
    "--headless=new",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def find_chromium() -> str | None:
    """The program that CHROMIUM names, else the first known name on PATH."""
    named = os.environ.get("CHROMIUM")
    return next(
        (path for name in ([named] if named else NAMES) if (path := shutil.which(name))), None
    )


class Page:
    """One tab. `requests` are the addresses it asked for, `errors` what went wrong in it."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out = os.fdopen(to_browser, "wb")
        self._in = os.fdopen(from_browser, "rb")
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._last_id = 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.errors: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.call("Browser.getVersion")
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Send one command and wait for what it gives."""
        self._last_id += 1
        box = self._answers[self._last_id] = queue.Queue()
        message = {"id": self._last_id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        answer = box.get(timeout=TIMEOUT_S)
        assert "error" not in answer, f"{method}: {answer}"
        return answer["result"]

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.wait(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        options = {"returnByValue": True, "awaitPromise": True, "userGesture": True}
        given = self.call("Runtime.evaluate", expression=script, **options)
        assert "exceptionDetails" not in given, given["exceptionDetails"]
        return given["result"].get("value")

    def wait(self, condition: str, timeout_s: float = TIMEOUT_S) -> None:
        """Until a JavaScript expression is true; the time is only a bound for a broken run."""
        deadline = time.monotonic() + timeout_s
        while not self.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"never true: {condition}; {self.errors}"
            time.sleep(0.1)

    def press(self, key: str, code: int, modifiers: int = 0) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                **{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code},
                modifiers=modifiers,
            )

    def resize(self, width: int, height: int, scale: float = 1, is_phone: bool = False) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": scale}
        self.call("Emulation.setDeviceMetricsOverride", **size, mobile=is_phone)

    def prefer(self, scheme: str) -> None:
        """`dark` or `light`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def save_picture(self, file: Path) -> None:
        """The window as PNG."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def _read(self) -> None:
        text = b""
        while chunk := self._in.read1(1 << 16):
            *messages, text = (text + chunk).split(b"\0")
            for message in messages:
                self._take(json.loads(message))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers.pop(message["id"]).put(message)
            return
        params = message.get("params", {})
        match message["method"]:
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.responseReceived" if params["response"]["status"] >= 400:
                self.errors.append(f"{params['response']['status']} {params['response']['url']}")
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.errors.append(json.dumps(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")


@contextmanager
def open_browser(chromium: str, folder: Path) -> Iterator[Page]:
    """A browser with a profile of its own in `folder`, gone afterwards."""
    # Root in a container has no user namespaces, which the sandbox needs.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    argv = [sys.executable, "-c", _LAUNCH, str(theirs_in), str(theirs_out), chromium]
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            [*argv, *_OPTIONS, *sandbox, f"--user-data-dir={folder / 'profile'}"],
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs_in, theirs_out),
            preexec_fn=die_with_parent(),
        )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Page(ours_out, ours_in)
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)
