"""A headless Chromium, driven as W3C's WebDriver says, and pages served to it.

Everything stays on loopback: the driver, the pages, and what they load.
"""

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.reliability.servers import served_by

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser")
        if (found := shutil.which(name))
    ),
    None,
)
DRIVER = shutil.which("chromedriver")
_TIMEOUT = 120
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


class Page:
    """One browser window."""

    def __init__(self, session: str) -> None:
        self._session = session

    def open(self, url: str) -> None:
        _post(f"{self._session}/url", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of an async function; give what it returns, as JSON can.

        What it throws is raised here, with its own words.
        """
        body = (
            "const done = arguments[arguments.length - 1];"
            "const given = Array.from(arguments).slice(0, -1);"
            f"(async (...args) => {{{script}}})(...given)"
            ".then(value => done({value}), error => done({error: String(error)}));"
        )
        told = _post(f"{self._session}/execute/async", script=body, args=[*arguments])
        if "error" in told:
            raise RuntimeError(told["error"])
        return told.get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression of the page's is true, two minutes at most."""
        self.run(
            f"for (let n = 0; n < 1200; n++) {{ if ({condition}) return;"
            " await new Promise(done => setTimeout(done, 100)); }"
            f" throw new Error({json.dumps('never: ' + condition)});"
        )

    def press(self, keys: str) -> None:
        """Press keys in what has the focus."""
        pressed = [
            {"type": kind, "value": key}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        source = {"type": "key", "id": "keyboard", "actions": pressed}
        _post(f"{self._session}/actions", actions=[source])

    def command(self, name: str, **parameters: Any) -> None:
        """Send one command of the DevTools protocol."""
        _post(f"{self._session}/goog/cdp/execute", cmd=name, params=parameters)

    def screenshot(self) -> bytes:
        with urlopen(f"{self._session}/screenshot", timeout=_TIMEOUT) as answer:  # noqa: S310
            return base64.b64decode(json.load(answer)["value"])


def _post(url: str, /, **body: Any) -> Any:
    data = json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    with urlopen(request, timeout=2 * _TIMEOUT) as answer:  # noqa: S310
        return json.load(answer)["value"]


@contextmanager
def browser(width: int = 1400, height: int = 800) -> Iterator[Page]:
    """Start a driver and a browser; both end with the block."""
    assert DRIVER
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [DRIVER, "--port=0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
            try:
                root = f"http://127.0.0.1:{_port(driver)}"
                flags = [
                    *_FLAGS,
                    f"--user-data-dir={profile}",
                    f"--window-size={width},{height}",
                ]
                options = {"binary": CHROMIUM, "args": flags}
                told = _post(
                    f"{root}/session",
                    capabilities={"alwaysMatch": {"goog:chromeOptions": options}},
                )
                session = f"{root}/session/{told['sessionId']}"
                _post(f"{session}/timeouts", script=2000 * _TIMEOUT)
                yield Page(session)
                with urlopen(Request(session, method="DELETE"), timeout=_TIMEOUT):  # noqa: S310
                    pass
            finally:
                driver.terminate()


def _port(driver: subprocess.Popen[str]) -> int:
    assert driver.stdout
    for line in driver.stdout:
        if "successfully on port" in line:
            return int(line.rstrip(".\n ").rpartition(" ")[2])
    raise RuntimeError("chromedriver did not start")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing: the tests have an output of their own."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; give its address, which ends with a slash."""
    with served_by(partial(_Quiet, directory=str(folder))) as url:
        yield f"{url}/"
