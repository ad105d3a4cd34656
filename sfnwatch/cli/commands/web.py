"""The command that shows the screen in a browser on this machine."""

import socket
from contextlib import suppress
from importlib.util import find_spec
from typing import cast

import click

from sfnwatch.cli.browser_server import HOST, BrowserServer
from sfnwatch.cli.command_line import TAKES_WORDS, read_line
from sfnwatch.cli.narration import narrate, put
from sfnwatch.cli.parameter_types import PORT
from sfnwatch.errors import UsageError, to_install
from sfnwatch.model.texts import clean

_USUAL_PORT = 8077
_COMMANDS = ("watch", "demo", "replay")
"""Commands with a screen."""
_LINE_OPTIONS = frozenset({"--plain", "--json", "--serve"})
"""Options without a screen."""
_WORD_LENGTH = 100
"""Most characters of a word in a message."""


@click.command(context_settings=TAKES_WORDS)
@click.argument(
    "words", nargs=-1, required=True, metavar="EXECUTION…|demo|replay FILE…"
)
@click.option("--port", type=PORT, help="Serve on this port.")
@click.option("--open", "launch", is_flag=True, help="Open the browser, too.")
@click.pass_context
def web(
    context: click.Context, words: tuple[str, ...], port: int | None, *, launch: bool
) -> None:
    """Show the screen in a browser on this machine, for a talk or a recording.

    What follows is a command line of sfnwatch itself. The address that is printed has a
    token in it, without which nobody is served; the server is on 127.0.0.1 alone. Each
    page that is open is a program of its own, four at most, and ends with its page.

    \b
    sfnwatch web demo
    sfnwatch web --open replay nightly-report.sfnwatch.jsonl
    """
    _check_words(context.find_root(), words)
    if find_spec("textual_serve") is None:
        msg = "Serving to a browser takes textual-serve, which is not installed."
        raise UsageError(msg, hint=f"Run: {to_install('web')}.")
    try:
        listener = listener_on(port)
    except OSError as error:
        msg = f"Can't serve on port {port}: {error.strerror}."
        raise UsageError(msg, hint="Choose another --port.") from error
    server = BrowserServer(words, listener)
    put(server.url)
    narrate("serving on this machine alone; ctrl+c ends it")
    if launch:
        click.launch(server.url)
    server.serve()


def _check_words(root: click.Context, words: tuple[str, ...]) -> None:
    """Raise the error of a command line that would fail once a browser is there."""
    group = cast("click.Group", root.command)
    if group.get_command(root, words[0]) is None:
        words = ("watch", *words)
    refused = [word for word in words if word in _LINE_OPTIONS]
    if words[0] not in _COMMANDS and words[:2] != ("recordings", "open"):
        refused.append(words[0])
    if refused:
        msg = f"{clean(refused[0], _WORD_LENGTH)!r} has no screen to show."
        raise UsageError(msg, hint="Give an execution, demo, or replay with files.")
    read_line(root, words)


def listener_on(port: int | None) -> socket.socket:
    """Listen on a port; without one on the usual one, or on any if that is in use.

    Raises OSError for a given port that is in use.
    """
    if port is None:
        with suppress(OSError):
            return socket.create_server((HOST, _USUAL_PORT))
    return socket.create_server((HOST, port or 0))
