"""The screen in a browser: drawn, driven by keys, and over with its server or page."""

import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.programs import golden
from tests.program.conftest import program
from tests.program.programs import Processes, Running
from tests.program.terminals import DEADLINE, eventually
from tests.viewers.browser import Page
from tests.viewers.readers import needs_browser

__all__ = ["program"]
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


def children_of(web: Running) -> list[int]:
    folder = Path(f"/proc/{web.process.pid}/task/{web.process.pid}")
    return [int(pid) for pid in (folder / "children").read_text().split()]


def is_there(pid: int) -> bool:
    """True for a process that runs: one that is over may wait to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return False
    return not state.startswith("Z")


@pytest.fixture
def web(program: Processes) -> Iterator[Running]:
    """`sfnwatch web replay`, in a process of its own."""
    if not Path("/proc/self/task").is_dir():
        pytest.skip("there is no /proc to see processes in")
    web = program.start("web", "--port", "0", "replay", golden("demo-sync"))
    eventually(lambda: web.out.endswith("\n"), "its address")
    yield web
    children = children_of(web) if web.process.poll() is None else []
    web.kill()
    for pid in filter(is_there, children):
        os.kill(pid, signal.SIGKILL)


def shown(page: Page, web: Running) -> int:
    """Open the page, and wait until the screen is drawn; give its program's id."""
    page.open(web.out.strip())
    page.wait("document.body.classList.contains('-first-byte')")
    eventually(lambda: page.run(_INK) > 2000, "text on the canvas")
    (child,) = children_of(web)
    return child


@needs_browser
def test_the_screen_is_drawn_and_keys_are_heard(page: Page, web: Running) -> None:
    child = shown(page, web)
    assert page.run("return location.search") == "", "the token leaves the address"
    page.run("document.querySelector('textarea').focus()")
    page.press("q")
    page.wait("document.body.classList.contains('-closed')")
    eventually(lambda: not is_there(child), "the end of the program")


@needs_browser
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_program_ends_with_its_server(
    page: Page, web: Running, number: signal.Signals
) -> None:
    child = shown(page, web)
    web.process.send_signal(number)
    code = web.process.wait(DEADLINE)
    assert code == (-number if number is signal.SIGKILL else 0)
    eventually(lambda: not is_there(child), "the end of the program")
