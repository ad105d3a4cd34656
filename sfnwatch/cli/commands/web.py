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

_PORT = 8077
_SCREENS = ("watch", "demo", "replay")
_LINES = frozenset({"--plain", "--json", "--serve"})


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
    """Refuse a command line now that could only fail once a browser is there."""
    group = cast("click.Group", root.command)
    if group.get_command(root, words[0]) is None:
        words = ("watch", *words)
    refused = [each for each in words if each in _LINES]
    if words[0] not in _SCREENS and words[:2] != ("recordings", "open"):
        refused.append(words[0])
    if refused:
        msg = f"{clean(refused[0], 100)!r} has no screen to show."
        raise UsageError(msg, hint="Give an execution, demo, or replay with files.")
    read_line(root, words)


def listener_on(port: int | None) -> socket.socket:
    """Listen on a port: the usual one, or any, where that is taken.

    Raises OSError for a port that was asked for and can't be had.
    """
    if port is None:
        with suppress(OSError):
            return socket.create_server((HOST, _PORT))
    return socket.create_server((HOST, port or 0))
