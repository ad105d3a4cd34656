"""Where an option's value comes from: the command line, a variable, or the file."""

import click
from click.core import ParameterSource

from sfnwatch.cli.command_tree import settable
from sfnwatch.cli.settable_option import SettableOption, variable
from sfnwatch.cli.settings import CONFIG


def place_of(context: click.Context, option: SettableOption) -> str:
    """Name the file or the variable that sets an option; empty where neither does."""
    match context.get_parameter_source(option.name or ""):
        case ParameterSource.DEFAULT_MAP:
            return str(context.find_root().meta[CONFIG].where)
        case ParameterSource.ENVIRONMENT:
            return variable(option.key)
    return ""


def origin(error: click.UsageError) -> str:
    """Say where a wrong value was set; nothing if it was typed."""
    param = getattr(error, "param", None)
    context = error.ctx
    if context is None or not isinstance(param, SettableOption):
        return ""
    place = place_of(context, param)
    return place and f"{place}: "


def source_of(name: str) -> str:
    """Name who set an option of the command that runs: the option, or a place."""
    context = click.get_current_context()
    options = settable(context.command).values()
    option = next(each for each in options if each.name == name)
    return place_of(context, option) or f"--{option.key}"


def is_typed(name: str) -> bool:
    """True for what the command line says, and no configuration."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def is_default(name: str) -> bool:
    """True for what nobody has said."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.DEFAULT
