"""The program in this process, on streams of its own: what it wrote there."""

import gc
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

import click
import pytest

from sfnwatch.cli import cli, main
from tests.reliability.outlets import leaks


class Said(NamedTuple):
    """What a run of the program came to."""

    code: int
    out: str
    err: str

    @property
    def acts(self) -> list[str]:
        """Name what a terminal could act on, on either stream."""
        return leaks("stdout", self.out) + leaks("stderr", self.err)


def said(words: Sequence[str], env: Mapping[str, str] | None = None) -> Said:
    """Run a command line to its end."""
    streams = {name: io.BytesIO() for name in ("stdout", "stderr")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        for name, stream in streams.items():
            text = io.TextIOWrapper(stream, "utf-8", "backslashreplace")
            # Who has let go of a wrapper has closed what is in it.
            stream.close = lambda: None  # type: ignore[method-assign]
            patch.setattr(sys, name, text)
        patch.setattr(sys, "stdin", io.StringIO())
        patch.setattr(sys, "argv", ["sfnwatch", *words])
        settled = gc.get_threshold()
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            gc.set_threshold(*settled)
            gc.unfreeze()
        sys.stdout.flush()
        sys.stderr.flush()
    out, err = (stream.getvalue().decode() for stream in streams.values())
    return Said(int(ended.value.code or 0), out, err)


def parameters(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Name every command, with each of its options that takes a text, and with none."""
    for name, command in group.commands.items():
        here = (*path, name)
        yield here, ""
        for param in command.params:
            if isinstance(param, click.Option) and not param.is_flag:
                yield here, max(param.opts, key=len)
        if isinstance(command, click.Group):
            yield from parameters(command, here)


def console_url(arn: str) -> str:
    """Give the console's address of an execution, percent-encoded."""
    escaped = quote(arn.encode(errors="surrogatepass"), safe="")
    return (
        "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1"
        f"#/v2/executions/details/{escaped}"
    )
