"""The walls between the rooms, what starting up may load, and one record's way through.

Every room imports what is below it, and nothing above. A colleague who follows a record
from AWS's answer to its line on the screen should come through few files.
"""

import ast
import asyncio
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from aiohttp import web
from textual.message_pump import MessagePump

import sfnwatch
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import Batch
from sfnwatch.model.trace import Changed
from sfnwatch.recording.saved_view import SavedView
from sfnwatch.session import sessions
from sfnwatch.sources.live_options import LiveOptions
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.screen_settings import ScreenSettings
from tests.benchmarks import made
from tests.builders import ARN
from tests.sources.loopback import asked_of, json_response, served, settings_at
from tests.tui.screens import Screen, replayed

PACKAGE = Path(sfnwatch.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
SDKS = {"botocore", "aiobotocore", "boto3", "s3transfer"}
HEAVY = {"textual", "rich.console", "aiohttp", "duckdb", *SDKS}
_GROUND = {"clock", "errors", "model"}
ROOMS = {
    "clock": set[str](),
    "errors": set[str](),
    "model": set[str](),
    # It must not share the decoder that it is there to test.
    "demo": {"clock"},
    "config": {"errors", "model"},
    "recording": {"config", "errors", "model"},
    "sources": _GROUND,
    "analysis": {"model"},
    "view": {"model", "analysis"},
    "export": {"clock", "errors", "model", "analysis", "view"},
    "tui": {*_GROUND, "config", "recording", "analysis", "view"},
    "session": {*_GROUND, "demo", "recording", "sources", "analysis"},
    "cli": {
        *(*_GROUND, "config", "demo", "recording", "sources", "analysis", "view"),
        *("export", "tui", "session"),
    },
    "library": {
        *(*_GROUND, "recording", "sources", "analysis", "session", "cli", "export")
    },
}
"""A room, or a file beside them, to the rooms that it may import."""


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    return (*module.split("."), "", "")[1]


def imports(node: ast.AST, *, all_of_it: bool = True) -> Iterator[str]:
    """Yield every module that is imported; without `all_of_it`, when loaded only."""
    for each in ast.walk(node) if all_of_it else ast.iter_child_nodes(node):
        if isinstance(each, ast.Import):
            yield from (alias.name for alias in each.names)
        elif isinstance(each, ast.ImportFrom):
            assert each.level == 0, "a relative import"
            yield each.module or ""
            yield from (f"{each.module}.{alias.name}" for alias in each.names)


@cache
def imported(path: Path) -> frozenset[str]:
    return frozenset(imports(tree_of(path)))


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def files_in(*rooms: str) -> list[Path]:
    return [path for path in FILES if room_of(name_of(path)) in rooms]


# -- the floors ------------------------------------------------------------------------


def rooms_of(path: Path) -> set[str]:
    """Name the rooms that a file imports, but for its own."""
    found = {room_of(name) for name in imported(path) if name.startswith("sfnwatch.")}
    return found & ROOMS.keys() - {room_of(name_of(path))}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_is_below_it_and_nothing_above(room: str) -> None:
    assert files_in(room)
    for path in files_in(room):
        assert rooms_of(path) <= ROOMS[room], path


def test_there_are_six_floors_and_no_way_round() -> None:
    known = {room_of(name_of(path)) for path in FILES}
    assert known - {"", "__main__", "templates"} == ROOMS.keys()
    graph = {
        room: set().union(*map(rooms_of, files_in(room))) - {room} for room in ROOMS
    }
    floors: dict[str, int] = {}
    for room in TopologicalSorter(graph).static_order():
        floors[room] = max((floors[each] + 1 for each in graph[room]), default=1)
    assert max(floors.values()) <= 6, floors
    assert sum(path.parent == PACKAGE for path in FILES) <= 7


def test_no_part_of_the_screen_knows_the_app() -> None:
    """Parts send messages upward; the app makes them, and hands values down."""
    own = PACKAGE / "tui" / "app.py"
    for path in files_in("tui"):
        assert path == own or "sfnwatch.tui.app" not in imported(path), path


def test_every_module_can_be_imported_first() -> None:
    """A circle shows when the other half of it comes first."""
    modules = {name_of(path) for path in FILES}
    needs = {
        name_of(path): modules.intersection(imports(tree_of(path), all_of_it=False))
        - {name_of(path), "sfnwatch"}
        for path in FILES
    }
    assert "sfnwatch.model.visits" in needs["sfnwatch.model.snapshot"]
    TopologicalSorter(needs).prepare()


def test_a_library_has_one_room_of_its_own() -> None:
    homes = {"textual": "tui", **dict.fromkeys(SDKS, "sources")}
    for path in FILES:
        for library in tops(path) & homes.keys():
            assert room_of(name_of(path)) == homes[library], path


def test_the_demo_and_the_core_stand_alone() -> None:
    ours = {"sfnwatch", "msgspec", "aiohttp"}
    for path in files_in("demo"):
        assert tops(path) <= ours | sys.stdlib_module_names, path
    for path in files_in("model", "analysis", "view"):
        allowed = sys.stdlib_module_names - {"threading", "asyncio", "socket"}
        assert tops(path) <= allowed | {"sfnwatch", "msgspec", "zstandard"}, path
    assert not [path for path in FILES if "ctypes" in tops(path)]


# -- no private name of others ---------------------------------------------------------


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_nobody_else_s_private_names_are_used() -> None:
    """Ours are what our code defines: functions, variables, attributes."""
    own, used = set[str](), set[tuple[str, str]]()
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    own.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()):
                    own.add(name)
                case ast.Name(id=name, ctx=ast.Store()):
                    own.add(name)
                case ast.Attribute(attr=name) if is_private(name):
                    used.add((path.name, name))
    known = own | {"_replace", "_asdict", "_exit"}
    # Textual has no public way to write what a terminal shows as a notification.
    others = {(file, name) for file, name in used if name not in known}
    assert others == {("notifications.py", "_driver")}
    for path in FILES:
        for name in imported(path):
            assert not is_private(name.rpartition(".")[2]), path


def test_no_widget_has_a_private_name_that_textual_has_too() -> None:
    for path in files_in("tui"):
        for widget in vars(import_module(name_of(path))).values():
            if inspect.isclass(widget) and issubclass(widget, MessagePump):
                own = private_names(widget)
                assert not own or not own & private_names(widget, "textual"), widget


def private_names(widget: type, package: str = "sfnwatch") -> set[str]:
    """Name what the classes of a package among a widget's define for themselves."""
    bases = (b for b in widget.__mro__ if b.__module__.partition(".")[0] == package)
    return set().union(*map(privately_defined, bases))


@cache
def privately_defined(each: type) -> set[str]:
    source = inspect.getsource(each)
    return {*re.findall(r"(?:self\.|def )(_[a-z]\w*)(?: =|:|\()", source)}


# -- what is loaded --------------------------------------------------------------------


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh Python; name the modules that it has loaded."""
    tell = "lambda: print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"import atexit, sys\natexit.register({tell})\n{code}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words", ["--version", "--help", "watch --help", "replay {} --plain", "explain {}"]
)
def test_a_question_and_a_replay_load_neither_a_screen_nor_an_sdk(
    words: str, tmp_path: Path
) -> None:
    file = tmp_path / "empty.json"
    file.write_text('{"events": []}')
    argv = ["sfnwatch", *words.format(file).split()]
    code = f"sys.argv = {argv!r}\nfrom sfnwatch.cli.main import main\nmain()"
    # Nor, to be asked what there is, all that runs it: a shell asks at every tab.
    heavy = HEAVY | ({"asyncio"} if words.startswith("--") else set())
    assert not loaded_after(code) & heavy


def test_the_first_picture_loads_no_sdk() -> None:
    """The screen runs its session once it is drawn: what is loaded by then counts."""
    code = (
        "import asyncio\n"
        "from sfnwatch.session import sessions\n"
        "from sfnwatch.model.arns import parse_execution_arn\n"
        "from sfnwatch.sources.aws_settings import AwsSettings\n"
        "from sfnwatch.sources.live_options import LiveOptions\n"
        "from sfnwatch.recording.saved_view import SavedView\n"
        "from sfnwatch.tui.app import ScreenSettings, SfnwatchApp\n"
        f"arns = [parse_execution_arn({ARN!r})]\n"
        "live = sessions.live(arns, AwsSettings(''), LiveOptions())\n"
        "app = SfnwatchApp(live, ScreenSettings(), SavedView())\n"
        "async def stream(_): app.exit()\n"
        "live.stream = stream\n"
        "asyncio.run(app.run_async(headless=True))\n"
    )
    loaded = loaded_after(code)
    assert "textual" in loaded
    assert not loaded & SDKS


# -- the way of one record -------------------------------------------------------------


class WayThrough:
    """Notes the functions of the package that are entered, in their order."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.functions: list[str] = []
        """Their qualified names: `Trace.add`."""
        self.added_at = 0
        """How many were entered before `Trace.add`."""

    def note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(f"{PACKAGE}/"):
            if code.co_qualname == "Trace.add":
                self.added_at = len(self.files)
            self.files.append(str(Path(code.co_filename).relative_to(PACKAGE)))
            self.functions.append(code.co_qualname)


_ARCHITECTURE = PACKAGE.parent / "docs" / "architecture.md"
_FUNCTION = re.compile(r"`([A-Z]\w+\.\w+|[a-z]+_[a-z_]+)`")


def steps_of(title: str) -> list[str]:
    """Give the functions that a list of docs/architecture.md names, in its order."""
    page = _ARCHITECTURE.read_text("utf-8")
    section = page.split(f"## {title}\n")[1].split("\n## ")[0]
    first = section.index("1. ")
    return _FUNCTION.findall(section[first : section.rindex(".\n")])


def holds_page_true(steps: list[str], functions: list[str]) -> None:
    """Find each step behind the one before it."""
    assert len(steps) > 8
    left = iter(functions)
    for step in steps:
        assert step in left, f"{step} is not entered there: see {_ARCHITECTURE.name}"


def answers_and_a_call() -> tuple[dict[str, Any], Any]:
    """Make what AWS answers to a watch, and the one call of which CloudTrail tells."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    (call,) = made.calls(1, events=12, start=start)
    events = made.history(12, start=start, ended=False)
    answers = {
        "GetExecutionHistory": {"events": [each.record for each in events]},
        "DescribeExecution": made.described(start).record,
        "DescribeStateMachineForExecution": made.defined(start).record,
        "ListExecutions": {"executions": []},
    }
    return answers, call.record


async def way_of_a_call(folder: Path) -> WayThrough:
    """Watch an execution on a screen, and record it, until its call is painted.

    The call is kept back until the history is shown.
    """
    way, over, is_shown = WayThrough(), asyncio.Event(), asyncio.Event()
    answers, call = answers_and_a_call()

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = asked_of(request, await request.read())
        if asked.operation != "LookupEvents":
            return json_response(answers[asked.operation])
        await is_shown.wait()
        sys.setprofile(way.note)
        return json_response({"Events": [call]})

    def paint(_: Batch, changed: Changed) -> None:
        if changed.calls:
            app.screen_state.refresh()
            app.views.lanes.changed()
            app.views.lanes.render_line(0)
            sys.setprofile(None)
            over.set()

    async with served(answer) as url:
        options = LiveOptions(drain=1.0, tries=None)
        live = sessions.live([parse_execution_arn(ARN)], settings_at(url), options)
        live.start_recording(folder / "run.jsonl", print)
        app = SfnwatchApp(live, ScreenSettings(), SavedView())
        async with app.run_test(size=(140, 40)) as pilot, asyncio.timeout(60):
            await Screen(app, pilot).until("submitted")
            live.consumers.append(paint)
            is_shown.set()
            await over.wait()
            await Screen(app, pilot).until("= request ID")
    live.close(print)
    return way


async def test_a_call_comes_through_the_recorder_and_the_trace_to_the_screen(
    tmp_path: Path,
) -> None:
    way = await way_of_a_call(tmp_path)
    whole = {*way.files}
    from_the_trace = {*way.files[way.added_at :]}
    assert {"model/trace.py", "view/line_maker.py"} <= from_the_trace
    assert {"sources/lookup.py", "recording/format.py"} <= whole
    assert "sources/lookup.py" not in from_the_trace
    holds_page_true(steps_of("The way of a record"), way.functions)


async def test_a_key_comes_to_the_screen_as_the_page_says() -> None:
    way = WayThrough()
    async with replayed("demo-sync-denied") as (_, screen):
        await screen.settle()
        sys.setprofile(way.note)
        await screen.pilot.press("left_square_bracket")
        await screen.settle()
        sys.setprofile(None)
    holds_page_true(steps_of("The way of a key press"), way.functions)
