"""What the tests of the command line stand on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from sfnwatch.sources.live import Live
from tests.cli.programs import KEYS, Program, Served, serving
from tests.sources.clocks import SteppedClock
from tests.sources.simulation import held_by

Serve = Callable[..., Served]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program, with no credentials: nothing can be asked of AWS."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)
    return Program(tmp_path / "state", monkeypatch)


@pytest.fixture
def stepped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a demo see the same on each machine: time passes while all of it waits."""
    clock = SteppedClock()
    held = partial(Live, client=held_by(clock))
    monkeypatch.setattr("sfnwatch.session.sessions.SpedClock", lambda *_: clock)
    monkeypatch.setattr("sfnwatch.sources.live.Live", held)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve simulated accounts, with keys that they take."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        yield lambda *plans, speed=2000.0: stack.enter_context(serving(plans, speed))
