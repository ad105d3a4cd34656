"""Where an option's value comes from: the command line, a variable, or the file."""

import click
from click.core import ParameterSource

from sfnwatch.cli.command_tree import settable
from sfnwatch.cli.settable_option import SettableOption, variable
from sfnwatch.cli.settings import CONFIG


def place_of(context: click.Context, option: SettableOption) -> str:
    """Return the file or the variable that sets an option; empty if neither does."""
    match context.get_parameter_source(option.name or ""):
        case ParameterSource.DEFAULT_MAP:
            return str(context.find_root().meta[CONFIG].where)
        case ParameterSource.ENVIRONMENT:
            return variable(option.key)
    return ""


def origin(error: click.UsageError) -> str:
    """Return the beginning of a message: where a wrong value was set, if not typed."""
    option = getattr(error, "param", None)
    if error.ctx is None or not isinstance(option, SettableOption):
        return ""
    place = place_of(error.ctx, option)
    return place and f"{place}: "


def source_of(name: str) -> str:
    """Return who set an option of the running command: the option itself, or a place.

    `name` is the option's parameter.
    """
    context = click.get_current_context()
    options = settable(context.command).values()
    option = next(option for option in options if option.name == name)
    return place_of(context, option) or f"--{option.key}"


def is_typed(name: str) -> bool:
    """True for a parameter that was given on the command line."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def is_default(name: str) -> bool:
    """True for a parameter that nobody has set."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.DEFAULT
