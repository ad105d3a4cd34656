"""The recorder through whatever ends it: killed, no room, no right, no file."""

import shlex
import sys
from pathlib import Path

from tests.builders import sync_run
from tests.program.conftest import program
from tests.program.programs import Processes
from tests.reliability.kills import every_kill, killed, lost

__all__ = ["program"]
RUN = sync_run(denied=True)
BATCHES = [tuple(RUN[n : n + 2]) for n in range(0, len(RUN), 2)]
DEMO = "demo async --plain --speed 1000 --drain 0"


def test_what_was_recorded_is_there_whenever_it_is_killed(tmp_path: Path) -> None:
    for number, kill in enumerate(every_kill(BATCHES)[::3]):
        path = killed(tmp_path / f"{number}.jsonl", BATCHES, kill)
        assert lost(path, BATCHES, kill) == ""


def test_a_disk_that_fills_up_is_said_and_the_watch_goes_on(program: Processes) -> None:
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (12288, -1))"
    # -B: Python would cut the bytecode it keeps, too, and everybody loads that.
    code = f"{limit}; from sfnwatch.cli.main import main; main()"
    start = f'exec {_python()} -B -c "{code}"'
    ended = program.shell(f"{start} {DEMO}")
    assert ended.code == 0, ended.err
    assert "◆ Execution started" in ended.out
    assert "the recording is not complete: Recording to" in ended.err
    assert "File too large" in ended.err
    (path,) = program.recordings
    assert path.stat().st_size <= 12288
    assert program("replay", str(path), "--plain").out


def _python() -> str:
    return shlex.quote(sys.executable)
