"""An option that the configuration file and the environment can set, by its long name.

`drain = "30m"` in the configuration file holds for each command with a --drain, and
under `[demo]` for that command alone. SFNWATCH_DRAIN overrules both, and the command
line overrules all of them. Settings are not listed a second time, so a new option can
be set at once; see `settings.py`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import click

from sfnwatch.cli.parameter_types import ANY

F = TypeVar("F", bound=Callable[..., Any])


class SettableOption(click.Option):
    """An option that the configuration file and the environment may set."""

    def __init__(self, *args: Any, **more: Any) -> None:
        if more.get("multiple"):
            more.setdefault("type", ANY)
        more.setdefault("show_default", "default" in more)
        super().__init__(*args, **more)
        self.envvar = variable(self.key)

    @property
    def key(self) -> str:
        """The option's key in the configuration file: its long name."""
        return max(self.opts, key=len).lstrip("-")


def variable(key: str) -> str:
    """Return the name of the environment variable for a key."""
    return f"SFNWATCH_{key.upper().replace('-', '_')}"


def option(spec: str, text: str, *, dest: str = "", **more: Any) -> Callable[[F], F]:
    """Return a decorator that adds a settable option to a command.

    `spec` is the option as in --help, such as `-o,--output FILE`, and `text` is its
    help. `dest` is its parameter's name, if that is another.
    """
    flags, _, metavar = spec.partition(" ")
    names = flags.split(",")
    if dest:
        names.append(dest)
    if metavar:
        more["metavar"] = metavar
    return click.option(*names, cls=SettableOption, help=text, **more)


flag = partial(option, is_flag=True)


def combined(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds several options to a command."""

    def add(command: F) -> F:
        for add_option in reversed(options):
            command = add_option(command)
        return command

    return add
