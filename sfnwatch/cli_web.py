"""The command that shows the screen in a browser."""

from importlib.util import find_spec
from typing import NoReturn

import click

from sfnwatch.errors import Outcome, UsageError, to_install
from sfnwatch.narration import narrate
from sfnwatch.trace.text import clean

_PORT = 8077
_SCREENS = ("watch", "demo", "replay", "recordings")
_LINES = frozenset({"--plain", "--json", "--serve"})


@click.command(
    short_help="Show the screen in a browser.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument(
    "words", nargs=-1, required=True, metavar="EXECUTION…|demo|replay FILE…"
)
@click.option("--port", type=click.IntRange(0, 65535), help="Serve on this port.")
@click.option("--open", "launch", is_flag=True, help="Open the browser, too.")
@click.pass_context
def web(
    context: click.Context, words: tuple[str, ...], port: int | None, *, launch: bool
) -> int:
    """Show the screen in a browser on this machine, for a talk or a recording.

    What follows is a command line of sfnwatch itself: `sfnwatch web demo`, `sfnwatch
    web replay FILE`, `sfnwatch web EXECUTION`. The address that is printed has a token
    in it, without which nobody is served; the server is on 127.0.0.1 alone. Each page
    that is open is a program of its own, four at most, and ends with its page.
    """
    _check_words(context, words)
    _check_textual_serve()
    from sfnwatch.serving import Browsed, listener_on

    def told(url: str) -> None:
        click.echo(url)
        narrate("serving on this machine alone; ctrl+c ends it")
        if launch:
            click.launch(url)

    try:
        listener = listener_on(port, _PORT)
    except OSError as error:
        msg = f"Can't serve on port {port}: {error.strerror}."
        raise UsageError(msg, hint="Choose another --port.") from error
    Browsed(words, listener, told).serve()
    return Outcome.SUCCEEDED


def _check_textual_serve() -> None:
    if find_spec("textual_serve") is None:
        raise UsageError(
            "Serving to a browser takes textual-serve, which is not installed.",
            hint=f"Run: {to_install('web')}.",
        )


def _check_words(context: click.Context, words: tuple[str, ...]) -> None:
    """Refuse a command line now that could only fail once a browser is there."""
    group = context.find_root().command
    if not isinstance(group, click.Group):
        raise TypeError(group)
    named = words[0] in group.commands
    if (named and words[0] not in _SCREENS) or _LINES & {*words}:
        _refuse(next((each for each in words if each in _LINES), words[0]))
    name, rest = (words[0], words[1:]) if named else ("watch", words)
    command = group.commands[name]
    if isinstance(command, click.Group):
        below, name = command, "".join(rest[:1])
        if name != "open":
            _refuse(words[0])
        command, rest = below.commands[name], rest[1:]
    command.make_context(name, list(rest), parent=context.find_root())


def _refuse(word: str) -> NoReturn:
    msg = f"{clean(word, 100)!r} has no screen to show."
    raise UsageError(msg, hint="Give an execution, demo, or replay with files.")


COMMANDS = (web,)
