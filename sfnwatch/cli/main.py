"""The program: its commands, and the exit code of each error.

Neither textual nor an SDK is imported before it is needed, so `--version` and `--help`
answer at once.
"""

import errno
import gc
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from sfnwatch import __version__
from sfnwatch.cli.narration import discard_output, narrate, settle_streams
from sfnwatch.errors import Outcome, SfnwatchError, UsageError
from sfnwatch.model.texts import clean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_TO_RUN = "sfnwatch.to_run"
"""Set in a context's `meta` unless help is asked for; help must come even if a setting
is wrong."""
_ROOT_OPTIONS = frozenset({"--help", "-h", "--version", "-V"})
_COLLECTION_THRESHOLDS = (200_000, 20, 50)
"""Thresholds of garbage collection. A history and its lines are many small values that
stay; with Python's thresholds, collecting takes a third of the time of reading them."""
_LEAST_SIMILARITY = 0.75
"""The similarity from which a word counts as a mistyped command."""
_WORD_LENGTH = 100
"""Most characters of a word in a message."""
_PATH_LENGTH = 200
"""Most characters of a path in a message."""
_FULL = frozenset({errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT})
"""Errors of writing to stdout: no other file is left to be written to then."""
_COMMANDS: Mapping[str, str] = {
    "athena-ddl": "Print a table's statement for --athena.",
    "compare": "Say how two executions differ.",
    "completion": "Print a shell's completion script.",
    "config": "Show every setting, and where it came from.",
    "demo": "Watch a simulated account; no AWS account needed.",
    "doctor": "Say whether a watch would work from here.",
    "explain": "Say what happened, with evidence.",
    "export": "Write a trace for other programs.",
    "iam-policy": "Print the minimal IAM policy.",
    "lab": "Print a template of an experiment to watch.",
    "list": "List executions, as AWS does.",
    "man": "Print the manual page.",
    "recordings": "List, open, remove recordings.",
    "redact": "Make a recording that is safe to share.",
    "replay": "Show recordings and other files again.",
    "schema": "Print the JSON schema of a trace.",
    "setup-queue": "Print a template for --queue.",
    "trend": "Say how long executions usually take.",
    "wait": "Wait for an execution's end; for scripts.",
    "watch": "Watch executions, live.",
    "web": "Show the screen in a browser.",
}
"""Each command's line in the help. The lines stand here because importing all commands
takes longer than answering a shell, or listing the commands."""
EPILOG = """\b
Exit codes:
  0    it succeeded, or the command did its work
  1    the output can't be written
  10   the execution failed
  11   the execution timed out
  12   the execution was aborted
  13   wait: it ended without entering the state
  14   its end was not seen: you quit, a file ends, or the timeout was reached
  2    wrong usage
  3    AWS refused
  4    a file can't be read
  130  interrupted; by another signal, what shells have for it

stdout is data, stderr is narration."""


class Commands(click.Group):
    """The commands; a word that is none is an execution: `sfnwatch ARN` watches it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return [*_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import a command when it is first asked for."""
        if cmd_name not in _COMMANDS:
            return None
        file = cmd_name.replace("-", "_")
        module = import_module(f"sfnwatch.cli.commands.{file}")
        for command in vars(module).values():
            if isinstance(command, click.Command) and command.name == cmd_name:
                return command
        return None

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([*_COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            args = _with_options(args)
            if _ROOT_OPTIONS.isdisjoint(args):
                ctx.meta[_TO_RUN] = True
            if not args:
                args = ["watch"]
        if args and args[0] not in _ROOT_OPTIONS and args[0] not in _COMMANDS:
            # A shell that asks what could follow is refused nothing.
            if not ctx.resilient_parsing:
                _check_typing(args[0])
            args = ["watch", *args]
        return super().parse_args(ctx, args)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> "list[CompletionItem[str]]":
        """Return commands, and the completions of `watch`, which need not be typed."""
        from click.shell_completion import CompletionItem

        items: list[CompletionItem[str]] = []
        for name, text in _COMMANDS.items():
            if name.startswith(incomplete):
                items.append(CompletionItem(name, help=text))
        items += click.Command.shell_complete(self, ctx, incomplete)
        watch = self.get_command(ctx, "watch")
        if watch is not None:
            context = click.Context(watch, ctx, "watch", resilient_parsing=True)
            if incomplete.startswith("-"):
                items += watch.shell_complete(context, incomplete)
            elif incomplete.startswith("arn:"):
                items += watch.params[0].shell_complete(context, incomplete)
        by_value = {item.value: item for item in items}
        return list(by_value.values())


def _with_options(args: list[str]) -> list[str]:
    """Return the arguments with `help COMMAND…` and `version` turned into options.

    Raises UsageError for help on an unknown command. A state machine with such a name
    is watched with `sfnwatch watch NAME`.
    """
    match args:
        case ["version", *_]:
            return ["--version"]
        case ["help", str(word), *_] if word not in _COMMANDS:
            _check_typing(word)
            msg = f"There is no command {clean(word, _WORD_LENGTH)!r}."
            raise UsageError(msg, hint="sfnwatch --help lists them.")
        case ["help", *rest]:
            return [*rest, "--help"]
    return args


def _check_typing(word: str) -> None:
    """Raise UsageError for a word that is probably a mistyped command.

    A state machine with such a name is watched with `sfnwatch watch NAME`.
    """
    from difflib import get_close_matches

    near = get_close_matches(word, _COMMANDS, 1, _LEAST_SIMILARITY)
    if near and ":" not in word:
        name = clean(word, _WORD_LENGTH)
        msg = f"There is no command {name!r}."
        other = f"To watch a state machine with that name: sfnwatch watch {name}"
        raise UsageError(msg, hint=f"Did you mean {near[0]}? {other}")


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Watch an AWS Step Functions execution and the API calls it makes for you.

    \b
    sfnwatch EXECUTION…    executions' ARNs, or their console URLs
    sfnwatch MACHINE       a state machine's newest execution; --next: its next one
    sfnwatch               choose among the account's executions, and recordings
    sfnwatch demo          try it without an AWS account
    sfnwatch replay FILE…  play a recording
    sfnwatch explain FILE… what happened, with evidence
    """
    if _TO_RUN in context.meta:
        from sfnwatch.cli.settings import WITHOUT, apply_settings

        if context.invoked_subcommand not in WITHOUT:
            apply_settings(context)


def main() -> NoReturn:
    """Run the command line; only here errors become exit codes."""
    settle_streams()
    if "_SFNWATCH_COMPLETE" in os.environ:
        # Importing it registers our completion classes with click.
        import_module("sfnwatch.cli.commands.completion")
    gc.set_threshold(*_COLLECTION_THRESHOLDS)
    try:
        code = cli.main(prog_name="sfnwatch", standalone_mode=False)
    except SfnwatchError as error:
        code = _fail(str(error), error.exit_code)
    except click.UsageError as error:
        code = _fail(_usage_words(error), UsageError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        code = Outcome.INTERRUPTED
    except OSError as error:
        code = _fail(_output_words(error), SfnwatchError.exit_code)
    # Otherwise the exit would look for garbage in a long history once more.
    gc.freeze()
    sys.exit(code or Outcome.SUCCEEDED)


def _usage_words(error: click.UsageError) -> str:
    from sfnwatch.cli.setting_origin import origin

    command = error.ctx.command_path if error.ctx else "sfnwatch"
    # Click puts a missing option's choices on lines of their own.
    message = " ".join(error.format_message().split()).removesuffix(".")
    return f"{origin(error)}{message}. See: {command} --help"


def _output_words(error: OSError) -> str:
    discard_output()
    reason = error.strerror or error
    if error.errno in _FULL:
        return f"Can't write to stdout: {reason}."
    if error.filename:
        path = clean(str(error.filename), _PATH_LENGTH)
        return f"Can't go on: {path}: {reason}."
    return f"Can't go on: {reason}."


def _fail(words: str, code: int) -> int:
    narrate(words)
    return code
