"""The screen in a browser: drawn, driven by keys, and over with its server or page."""

import os
import signal
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.programs import golden
from tests.program.programs import PROGRAM, ROOT
from tests.program.terminals import DEADLINE, eventually
from tests.viewers.browser import Page
from tests.viewers.readers import needs_browser

pytestmark = pytest.mark.skipif(
    find_spec("textual_serve") is None, reason="textual-serve is not installed"
)
_INK = """
const canvas = document.querySelector('canvas.xterm-text-layer');
const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
let ink = 0;
for (let n = 3; n < data.length; n += 4) if (data[n] > 128) ink += 1;
return ink;
"""


class Web:
    """`sfnwatch web replay`, in a process of its own."""

    def __init__(self, env: dict[str, str]) -> None:
        words = (*PROGRAM, "web", "--port", "0", "replay", golden("demo-sync"))
        self.process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()

    @property
    def children(self) -> list[int]:
        folder = Path(f"/proc/{self.process.pid}/task/{self.process.pid}")
        return [int(pid) for pid in (folder / "children").read_text().split()]


def is_there(pid: int) -> bool:
    """True for a process that runs: one that is over may wait to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return False
    return not state.startswith("Z")


@pytest.fixture(name="web")
def _web() -> Iterator[Web]:
    if not Path("/proc/self/task").is_dir():
        pytest.skip("there is no /proc to see processes in")
    path_of_python = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    web = Web({**os.environ, "PYTHONPATH": path_of_python})
    children: list[int] = []
    try:
        yield web
    finally:
        if web.process.poll() is None:
            children = web.children
        web.process.kill()
        web.process.wait()
        if web.process.stdout:
            web.process.stdout.close()
        for pid in children:
            if is_there(pid):
                os.kill(pid, signal.SIGKILL)


def shown(page: Page, web: Web) -> int:
    """Open the page, and wait until the screen is drawn; give its program's id."""
    page.open(web.url)
    page.wait("document.body.classList.contains('-first-byte')")
    eventually(lambda: page.run(_INK) > 2000, "text on the canvas")
    (child,) = web.children
    return child


@needs_browser
def test_the_screen_is_drawn_and_keys_are_heard(page: Page, web: Web) -> None:
    child = shown(page, web)
    assert page.run("return location.search") == "", "the token leaves the address"
    page.run("document.querySelector('textarea').focus()")
    page.press("q")
    page.wait("document.body.classList.contains('-closed')")
    eventually(lambda: not is_there(child), "the end of the program")


@needs_browser
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_program_ends_with_its_server(
    page: Page, web: Web, number: signal.Signals
) -> None:
    child = shown(page, web)
    web.process.send_signal(number)
    code = web.process.wait(DEADLINE)
    assert code == (-number if number is signal.SIGKILL else 0)
    eventually(lambda: not is_there(child), "the end of the program")


@needs_browser
def test_the_program_ends_with_its_page(page: Page, web: Web) -> None:
    child = shown(page, web)
    page.open("about:blank")
    eventually(lambda: not is_there(child), "the end of the program")
    assert web.process.poll() is None
