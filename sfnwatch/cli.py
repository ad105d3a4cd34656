"""The command line: what was typed becomes a play, and its outcome an exit code.

stdout is data, stderr is narration. Neither textual nor an SDK is imported before
something needs it: `--version` and `--help` answer at once.
"""

import errno
import gc
import io
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sfnwatch import __version__
from sfnwatch.errors import Outcome, SfnwatchError, UsageError
from sfnwatch.narration import guard_stderr, narrate

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_TO_RUN = "sfnwatch.to_run"
"""Noted where no help is asked for, which must come though a setting is wrong."""
COLLECT = 50_000, 20, 50
"""A history is many small values that stay: to look among them for what can go as
often as Python does takes a fifth of the time of reading it, and makes frames late."""
_NEAR = 0.75
"""How alike a word and a command must be for a slip."""
_HOMES: Mapping[str, str] = {
    **dict.fromkeys(("watch", "demo", "replay"), "cli_watch"),
    "wait": "cli_wait",
    **dict.fromkeys(("export", "explain", "compare", "redact"), "cli_files"),
    "recordings": "cli_recordings",
    "web": "cli_web",
    **dict.fromkeys(("iam-policy", "setup-queue", "lab"), "cli_setup"),
    **dict.fromkeys(("athena-ddl", "schema"), "cli_setup"),
    "config": "cli_config",
    **dict.fromkeys(("completion", "man"), "cli_shell"),
}
"""Where each command is: to import all of them takes as long as some of them need."""
EPILOG = """\b
Exit codes:
  0    it succeeded, or the command did its work
  1    the output can't be written
  10   the execution failed
  11   the execution timed out
  12   the execution was aborted
  13   wait: it ended without the state
  14   wait: the time is over
  2    wrong usage
  3    AWS refused
  4    a file can't be read
  130  interrupted

stdout is data, stderr is narration."""


class Imported(MutableMapping[str, click.Command]):
    """The commands by their names, each imported when it is first asked for."""

    def __init__(self) -> None:
        self._known: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._known:
            module = import_module(f"sfnwatch.{_HOMES[name]}")
            self._known.update({str(each.name): each for each in module.COMMANDS})
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in _HOMES

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)

    # click's own table can be written to: this one says what there is.

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._refuse(name)

    def __delitem__(self, name: str) -> None:
        self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        msg = f"{name}: which commands there are is said in _HOMES"
        raise TypeError(msg)


class Commands(click.Group):
    """`sfnwatch ARN` is `sfnwatch watch ARN`: what is no command is an execution."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.commands = Imported()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version"}
        if ctx.resilient_parsing:
            # A shell asks what could follow: nothing is begun, and nothing is wrong.
            named = not args or args[0] in self.commands or args[0] in own
            return super().parse_args(ctx, args if named else ["watch", *args])
        if own.isdisjoint(args):
            ctx.meta[_TO_RUN] = True
        if not args and sys.stdin is not None and sys.stdin.isatty():
            args = ["watch"]
        elif args and args[0] not in own and args[0] not in self.commands:
            self._check_typing(args[0])
            args = ["watch", *args]
        return super().parse_args(ctx, args)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> "list[CompletionItem[str]]":
        """Offer what may follow `watch` too, whose name need not be written."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith(("-", "arn:")):
            command = self.commands["watch"]
            context = click.Context(command, ctx, "watch", resilient_parsing=True)
            whose = command if incomplete.startswith("-") else command.params[0]
            found += whose.shell_complete(context, incomplete)
        return list({item.value: item for item in found}.values())

    def _check_typing(self, word: str) -> None:
        """Refuse what is one slip away from a command: it is no state machine's name.

        Raises UsageError. That of one which is so called goes with `watch`.
        """
        from difflib import get_close_matches

        from sfnwatch.trace.text import clean

        near = get_close_matches(word, self.commands, 1, _NEAR)
        if near and ":" not in word:
            msg = f"There is no command {clean(word, 100)!r}."
            other = f"A state machine so called: sfnwatch watch {clean(word, 100)}"
            raise UsageError(msg, hint=f"Did you mean {near[0]}? {other}")


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Watch an AWS Step Functions execution and the API calls it makes for you.

    \b
    sfnwatch EXECUTION…    executions' ARNs, or their console URLs
    sfnwatch MACHINE       a state machine's newest execution; --next: its next one
    sfnwatch               choose among the account's executions, and recordings
    sfnwatch demo          without an AWS account
    sfnwatch replay FILE…  what was watched before
    sfnwatch explain FILE… what it shows, in sentences
    """
    if _TO_RUN in context.meta:
        from sfnwatch.config_options import WITHOUT, apply

        if context.invoked_subcommand not in WITHOUT:
            apply(context)


def main() -> NoReturn:
    """Run the command line; the one place where errors become exit codes."""
    _settle_streams()
    guard_stderr()
    if "_SFNWATCH_COMPLETE" in os.environ:
        from sfnwatch.completion_scripts import register

        register()
    gc.set_threshold(*COLLECT)
    try:
        code = cli.main(prog_name="sfnwatch", standalone_mode=False)
    except SfnwatchError as error:
        code = _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        # Our own help, in its lines.
        click.echo(error.format_message(), err=True)
        code = UsageError.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "sfnwatch"
        # Click puts a missing option's choices on lines of their own.
        said = " ".join(error.format_message().split())
        from sfnwatch.config_options import origin

        words = f"{origin(error)}{said} See: {command} --help"
        code = _fail(words, UsageError.exit_code)
    except click.ClickException as error:
        code = _fail(error.format_message(), UsageError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        code = Outcome.INTERRUPTED
    except OSError as error:
        code = _cannot_write(error)
    # A long history would be looked through for cycles once more, on the way out.
    gc.freeze()
    sys.exit(code)


def _cannot_write(error: OSError) -> int:
    from sfnwatch.running import discard_output

    discard_output()
    said = error.strerror or error
    full = error.errno in {errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT}
    words = f"Can't write to stdout: {said}." if full else f"Can't go on: {said}."
    return _fail(words, SfnwatchError.exit_code)


def _settle_streams() -> None:
    """Put something in a closed stream's place: the next file opened would take it.

    And show what stdout's encoding lacks as `?`, rather than end because of it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _fail(words: str, code: int) -> int:
    narrate(words)
    return code
