"""The program replaying a recording on a terminal, ready to be driven with keys."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sfnwatch.model.records import Received
from tests.builders import ACCOUNT, ARN, sync_run
from tests.program.programs import Processes
from tests.program.terminals import Terminal
from tests.recording.files import record

NAMES = ("111122223333", "nightly-report", "run-7f3a")
"""What a presenter does not show: account, state machine, execution."""


class Stage:
    """Replays a recording, at 100 columns of 30 rows.

    It is of the experiment's run, one state, a task, five polls, or of any `records`.
    """

    def __init__(
        self,
        program: Processes,
        folder: Path,
        records: Sequence[Received] = (),
        arns: Sequence[str] = (ARN,),
    ) -> None:
        self._program, self.folder = program, folder
        path = folder / "run.sfnwatch.jsonl"
        self.recording = record(path, records or sync_run(), arns=arns)
        # In the account of AWS's examples, as the demo's, no name is masked.
        text = path.read_text("utf-8").replace(ACCOUNT, NAMES[0])
        path.write_text(text, "utf-8")
        self.config = folder / "config" / "sfnwatch" / "config.toml"

    def configure(self, text: str) -> None:
        self.config.parent.mkdir(parents=True)
        self.config.write_text(text)

    def start(self, *words: str, rows: int = 30, **more: Any) -> Terminal:
        """Start it; `more` is a fault, and the environment."""
        words = ("replay", str(self.recording), *words)
        return self._program.terminal(
            *words, rows=rows, columns=100, cwd=self.folder, **more
        )

    def at_end(self, *words: str, **more: Any) -> Terminal:
        """Start it and go to the end, where all is shown and nothing moves."""
        terminal = self.start(*words, **more)
        terminal.until("REPLAY", "/ 10m 00s")
        # What is found comes a little later, and moves all lines by one.
        terminal.press("l", " end ", "SUCCEEDED", "complete to", "completion detected")
        return terminal
