"""The walls between the rooms, and what starting up may cost.

Arrows point one way: trace ← recording, sources, export ← tui ← cli. The demo stands
alone, since it must not share the decoder it is there to test.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import sfnwatch
from sfnwatch import errors
from sfnwatch.cli import cli
from sfnwatch.recording.writer import Recorder
from tests.builders import ARN, START, sync_run

PACKAGE = Path(sfnwatch.__file__).parent
NEXT = PACKAGE / "next"
"""The second edition, which is built beside the first and has walls of its own."""
FILES = sorted(p for p in PACKAGE.rglob("*.py") if NEXT not in p.parents)
SDKS = ("botocore", "aiobotocore", "boto3", "s3transfer")
HEAVY = ("textual", "aiohttp", *SDKS)

SETTINGS = {"config", "config_keys", "config_words"}
"""What a user has set: the screen follows it, and nothing below the screen does."""
ROOMS = {
    "trace": {"trace"},
    "recording": {"trace", "recording"},
    "export": {"trace", "export"},
    # Replay is a source like any other, and what it plays is a recording.
    "sources": {"trace", "sources", "recording"},
    "tui": {"trace", "recording", "sources", "export", "tui", *SETTINGS},
    "demo": {"demo"},
}
"""A room to the rooms it may import."""
COMMON = {"clock", "errors", "__init__"}
"""Files every room but the core and the demo may import."""


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield every module a file imports, wherever in it, types included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def own_rooms(path: Path) -> set[str]:
    """Name what a file imports of this package: rooms, and files next to them."""
    found = set()
    for name in imports(path):
        head, _, rest = name.partition(".")
        if head == "sfnwatch" and rest:
            found.add(rest.split(".")[0])
    known = {p.stem if p.is_file() else p.name for p in PACKAGE.iterdir()}
    return {name for name in found if name in known}


def files_of(room: str) -> list[Path]:
    return [path for path in FILES if room_of(path) == room]


def modules_of(room: str) -> list[str]:
    return [
        ".".join(("sfnwatch", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in files_of(room)
    ]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=PACKAGE.parent,
    )


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh Python; name the top-level modules it has loaded."""
    tell = "import sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = run(f"{code}\n{tell}")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_what_is_below_it_and_nothing_above(room: str) -> None:
    common = {"clock"} if room == "demo" else set() if room == "trace" else COMMON
    assert files_of(room)
    for path in files_of(room):
        strangers = own_rooms(path) - ROOMS[room] - common
        assert not strangers, f"{path.relative_to(PACKAGE)} imports {strangers}"


@pytest.mark.parametrize(
    ("library", "room"),
    [("textual", "tui"), *((sdk, "sources") for sdk in SDKS)],
)
def test_a_library_has_one_room_of_its_own(library: str, room: str) -> None:
    users = {
        room_of(path)
        for path in FILES
        if any(name.split(".")[0] == library for name in imports(path))
    }
    assert users <= {room}


def test_the_walls_are_found_where_they_stand() -> None:
    """The scan itself sees what there is to see."""
    everything = {name.split(".")[0] for path in FILES for name in imports(path)}
    assert {"textual", "botocore", "aiobotocore", "aiohttp", "click"} <= everything
    assert own_rooms(PACKAGE / "trace" / "timeline.py") == {"trace"}
    assert "trace" in own_rooms(PACKAGE / "cli_watch.py")


@pytest.mark.parametrize("code", ["import sfnwatch", "import sfnwatch.cli"])
def test_starting_up_loads_nothing_heavy(code: str) -> None:
    assert not loaded_after(code) & set(HEAVY)


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_question_is_answered_without_loading_anything_heavy(option: str) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['sfnwatch', {option!r}]\n"
        "from sfnwatch.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
    )
    assert not loaded_after(code) & set(HEAVY)


def test_a_version_is_told_without_any_command() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['sfnwatch', '--version']\n"
        "from sfnwatch.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(*(m for m in sys.modules if m.startswith('sfnwatch')))\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    own = done.stdout.splitlines()[-1].split()
    # What cleans whatever may be said on stderr is there from the start.
    known = ("cli", "errors", "narration", "trace", "trace.text")
    assert set(own) == {"sfnwatch", *(f"sfnwatch.{name}" for name in known)}


def test_every_command_is_where_it_is_looked_for() -> None:
    homes = [path.stem for path in FILES if path.match("sfnwatch/cli_*.py")]
    modules = [import_module(f"sfnwatch.{home}") for home in homes]
    there = {each.name for module in modules for each in module.COMMANDS}
    assert set(cli.commands) == there
    assert all(command.name == name for name, command in cli.commands.items())


def test_a_command_is_imported_without_the_others() -> None:
    code = "from sfnwatch.cli import cli; import sys\nassert cli.commands['replay']\n"
    done = run(f"{code}print(*(m for m in sys.modules if '.cli_' in m))")
    assert done.stdout.split() == ["sfnwatch.cli_watch"]


@pytest.mark.parametrize("room", ["trace", "recording", "export"])
def test_a_room_without_a_screen_or_a_network_loads_neither(room: str) -> None:
    code = "\n".join(f"import {module}" for module in modules_of(room))
    assert not loaded_after(code) & set(HEAVY)


def test_a_replay_can_not_call_aws() -> None:
    loaded = loaded_after("import sfnwatch.sources.replay, sfnwatch.sources.feed")
    assert not loaded & set(HEAVY)


def test_a_screen_does_not_load_an_sdk() -> None:
    assert not loaded_after("import sfnwatch.tui.app") & set(SDKS)


def test_the_demo_loads_no_other_room_but_the_clock() -> None:
    code = "\n".join(f"import {module}" for module in modules_of("demo"))
    tell = "import sys; print(*(m for m in sys.modules if m.startswith('sfnwatch.')))"
    done = run(f"{code}\n{tell}")
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[1] for name in done.stdout.split()}
    assert loaded == {"demo", "clock"}


def imported_at_once(path: Path, known: Mapping[str, Path]) -> set[str]:
    """Name the modules of this package that a file needs to be imported itself."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            names = {node.module or ""}
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & known.keys()
    return found


def test_every_module_can_be_imported_first() -> None:
    """A cycle shows when the other half of it comes first."""
    known = {
        ".".join(("sfnwatch", *path.relative_to(PACKAGE).with_suffix("").parts)): path
        for path in FILES
        if path.stem not in {"__main__", "__init__"}
    }
    needs = {name: imported_at_once(path, known) for name, path in known.items()}
    assert "sfnwatch.trace.visits" in needs["sfnwatch.trace.execution"]
    TopologicalSorter(needs).prepare()


def test_every_error_a_user_may_meet_has_an_exit_code_of_its_own() -> None:
    leaves = errors.SfnwatchError.__subclasses__()
    codes = [leaf.exit_code for leaf in leaves]
    outcomes = [
        value
        for name, value in vars(errors.Outcome).items()
        if not name.startswith("_")
    ]
    taken = [*codes, *outcomes, errors.SfnwatchError.exit_code]
    assert leaves
    assert len(set(taken)) == len(taken)
    assert all(0 < code < 126 for code in codes)


def test_an_error_says_what_happened_and_what_to_do() -> None:
    for leaf in errors.SfnwatchError.__subclasses__():
        error = leaf("Can't read x.", hint="Choose another.")
        assert (error.message, error.hint) == ("Can't read x.", "Choose another.")
        assert str(error) == "Can't read x. Choose another."
        assert str(leaf("Can't read x.")) == "Can't read x."


def test_a_screen_is_up_before_any_sdk_is_loaded() -> None:
    arn = "arn:aws:states:eu-west-1:123456789012:execution:m:x"
    code = (
        "import sfnwatch.running, sfnwatch.tui.app\n"
        "from sfnwatch import plays\n"
        "from sfnwatch.settings import AwsOptions\n"
        "from sfnwatch.trace.arns import parse_execution_arn\n"
        f"arns = [parse_execution_arn({arn!r})]\n"
        "plays.live(arns, AwsOptions(), drain=1.0, tries=None)\n"
    )
    assert not loaded_after(code) & set(SDKS)


LATE = (
    *("cli_[!w]*", "demo*", "export.*", "gathering", "sources.archive*"),
    *("recording.foreign", "recording.importers", "recording.matching"),
    *("recording.redact*", "recording.table", "sources.live", "sources.lookup"),
    *("trace.alias_*", "trace.aliases", "trace.compare*", "trace.conclusions"),
    *("trace.filter*", "trace.finding*", "trace.report*", "trace.sentence*"),
    *("tui.calllog", "tui.children", "tui.compare*", "tui.detail", "tui.explain*"),
    *("tui.finding", "tui.gantt*", "tui.help", "tui.json_*", "tui.picker*"),
    *("tui.record*", "tui.saving", "tui.timeline"),
)
"""What the first picture of a recording must not wait for."""


def test_the_first_rows_of_a_recording_wait_for_nothing_else(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path / "run.jsonl", [ARN], START, "sfnwatch 0")
    recorder(tuple(sync_run()))
    recorder.close()
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sfnwatch.cli import cli\n"
        "assert cli.commands['replay']\n"
        "from sfnwatch import plays\n"
        "from sfnwatch.running import show\n"
        "from sfnwatch.settings import Output, RecordSettings, ScreenOptions\n"
        "from sfnwatch.tui.app import SfnwatchApp\n"
        "run = SfnwatchApp.run_async\n"
        "SfnwatchApp.run_async = lambda app: run(app, headless=True, size=(140, 40))\n"
        "def shown(app):\n"
        "    loaded.update(sys.modules)\n"
        "    app.exit()\n"
        "SfnwatchApp._make_ready = shown\n"
        "loaded = set()\n"
        f"play = plays.played([Path({str(recorder.path)!r})], speed=600)\n"
        "record, screen = RecordSettings(wanted=False), ScreenOptions()\n"
        "assert show(play, Output.SCREEN, record, screen) == 0\n"
        "print(*(name for name in loaded if name.startswith('sfnwatch.')))\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    loaded = [name.partition(".")[2] for name in done.stdout.splitlines()[-1].split()]
    assert "tui.lanes" in loaded
    late = [name for name in loaded if any(fnmatch(name, each) for each in LATE)]
    assert not late


def test_a_whole_replay_loads_no_sdk(tmp_path: Path) -> None:
    file = tmp_path / "empty.json"
    file.write_text('{"events": []}')
    code = (
        "import sys\n"
        f"sys.argv = ['sfnwatch', 'replay', {str(file)!r}, '--plain']\n"
        "from sfnwatch.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
    )
    assert not loaded_after(code) & set(SDKS)
