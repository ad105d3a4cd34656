"""The commands about the program itself: completion, manual, schema, settings."""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from sfnwatch import __version__
from sfnwatch.cli.completion import SHELLS, script
from sfnwatch.cli.narration import narrate, put, put_table
from sfnwatch.cli.options import SettableOption, variable
from sfnwatch.cli.settings import (
    apply_settings,
    checked,
    commands,
    path_of,
    place_of,
    read_line,
    settable,
)
from sfnwatch.config import FILE, PREFIX, Config, config_path
from sfnwatch.errors import Outcome
from sfnwatch.model.values import clean, without_login

_OTHERS = frozenset(
    f"SFNWATCH_{name}" for name in ("CONFIG", "ALLOW_HTTP", "FIXTURES", "VIEWERS")
)
"""Variables that are no settings: the file's, that of endpoints, those of the tests."""
_AWS = {
    "profile": ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint-url": ("AWS_ENDPOINT_URL",),
}
"""AWS's own variables, which hold where nothing else is said, in the order in which
they are looked at."""
_DEFAULT = "default"


# -- settings --------------------------------------------------------------------------


class Setting(NamedTuple):
    """What something is set to, and by whom."""

    value: Any
    where: str
    """`default`, the file, an environment variable, or `option`."""


@click.command(
    short_help="Show every setting, and where it came from.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", nargs=-1, metavar="[COMMAND…]", type=click.UNPROCESSED)
@click.option("--path", is_flag=True, help="Only print the file's path.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def config(
    context: click.Context, words: tuple[str, ...], *, path: bool, as_json: bool
) -> int:
    """Show every setting, and where it came from.

    The command line overrules the environment, which overrules the file, which
    overrules what is built in. An option is set by its name: `drain = "30m"` at the top
    of the file, or in the table of one command, [demo]; or as SFNWATCH_DRAIN. AWS's own
    variables hold where none of these says otherwise. With a COMMAND and its options
    only what that command line comes to is shown, unless that command would refuse it.

    \b
    sfnwatch config
    sfnwatch config demo --speed 60
    """
    if path:
        put(os.environ.get(FILE) or str(config_path()))
        return Outcome.SUCCEEDED
    root = context.find_root()
    read = apply_settings(root)
    contexts = [read_line(root, words, lenient=True)] if words else _every_command(root)
    _print_settings(dict(_settings(contexts, read)), as_json=as_json)
    for note in _unknown_variables(root):
        narrate(note)
    return Outcome.SUCCEEDED


def _every_command(root: click.Context) -> Iterator[click.Context]:
    """Give all commands as they are where nothing is typed; raises click.UsageError."""
    for each in commands(root):
        strict = checked(each.command, lenient=True)
        yield strict.make_context(each.info_name, [], parent=each.parent)


def _settings(
    contexts: Iterable[click.Context], read: Config
) -> Iterator[tuple[str, Setting]]:
    """Give each key once; by command where commands differ in it."""
    found: dict[str, dict[str, Setting]] = {}
    for context in contexts:
        for key, option in settable(context.command).items():
            whole = ".".join((*path_of(context), key))
            found.setdefault(key, {})[whole] = _setting(context, option)
    if "theme" in found:
        # What no option sets.
        yield "keys", Setting([*read.keys], _places(read.keys_where.values()))
        themes = (each.where for each in read.themes.values())
        yield "themes", Setting([*read.themes], _places(themes))
    for key, by_command in sorted(found.items()):
        first, *others = by_command.values()
        same = all(each == first for each in others)
        yield from {key: first}.items() if same else by_command.items()


def _places(found: Iterable[str]) -> str:
    return ", ".join(sorted({*found})) or _DEFAULT


def _setting(context: click.Context, option: SettableOption) -> Setting:
    """Give what an option is set to, as it was said, and where."""
    name = option.name or ""
    source = context.get_parameter_source(name)
    if source is ParameterSource.DEFAULT and "profile" in settable(context.command):
        for variable_of_aws in _AWS.get(option.key, ()):
            if said := os.environ.get(variable_of_aws):
                return Setting(said, variable_of_aws)
    is_typed = source is ParameterSource.COMMANDLINE
    value = context.params.get(name)
    if not (is_typed or option.is_flag):
        value, _ = option.consume_value(context, {})
    if isinstance(value, Path | datetime | timedelta):
        value = str(value)
    # Click marks what has no default in a way of its own.
    known = isinstance(value, str | int | float | list | tuple) and value != ()
    where = place_of(context, option) or ("option" if is_typed else _DEFAULT)
    return Setting(value if known else None, where)


def _print_settings(found: dict[str, Setting], *, as_json: bool) -> None:
    if as_json:
        import json

        told = [{"key": key, "value": v, "from": w} for key, (v, w) in found.items()]
        put(without_login(json.dumps({"settings": told}, indent=2)))
        return
    rows = [(key, _words(value), where) for key, (value, where) in found.items()]
    put_table(rows, right=frozenset())


def _words(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ", ".join(clean(str(each), 60) for each in value) or "-"
        case float():
            return f"{value:g}"
        case _:
            return clean(without_login(str(value)), 200)


def _unknown_variables(root: click.Context) -> Iterator[str]:
    """Tell of variables that look like settings, and are none."""
    from difflib import get_close_matches

    names = [variable(key) for e in commands(root) for key in settable(e.command)]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in {*names, *_OTHERS}:
            close = get_close_matches(name, names, 1)
            meant = f" Did you mean {close[0]}?" if close else ""
            yield f"{name} is no setting.{meant}"


# -- completion, schema ----------------------------------------------------------------


@click.command(short_help="Print a shell's completion script.")
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print what makes a shell complete `sfnwatch`; nothing is asked of a network.

    \b
    bash  sfnwatch completion bash > ~/.local/share/bash-completion/completions/sfnwatch
    zsh   sfnwatch completion zsh > "${fpath[1]}/_sfnwatch"
    fish  sfnwatch completion fish > ~/.config/fish/completions/sfnwatch.fish

    It completes commands and options, profiles and Regions, recorded executions,
    themes, scenarios, files.
    """
    put(script(context.find_root().command, shell).removesuffix("\n"))
    return Outcome.SUCCEEDED


@click.command(short_help="Print the JSON schema of a trace.")
@click.argument(
    "what", type=click.Choice(["trace", "lines"]), required=False, default="trace"
)
def schema(what: str) -> int:
    """Print the JSON schema of what programs are given.

    `trace` is what `export --to json` writes, `lines` what each line of --json is. Keys
    may be added in this version, and are never renamed.

    \b
    sfnwatch schema > trace.schema.json
    sfnwatch schema lines
    """
    import json

    from sfnwatch.export.json import line_schema, trace_schema

    told = trace_schema() if what == "trace" else line_schema()
    put(json.dumps(told, indent=2, ensure_ascii=False))
    return Outcome.SUCCEEDED


# -- the manual ------------------------------------------------------------------------

_MORE = """\
.SH ENVIRONMENT
.nf
SFNWATCH_CONFIG          names another file of settings
SFNWATCH_…               any option, with _ for -; the command line overrules it,
                         and it overrules the file
AWS_PROFILE, AWS_REGION  and others, as the AWS CLI reads them
NO_COLOR                 draws without colors
.fi
.SH FILES
.nf
~/.config/sfnwatch/config.toml       settings, or your platform's equivalent
~/.local/state/sfnwatch/recordings   what was watched
.fi
.SH SEE ALSO
.BR aws (1)"""


@click.command(short_help="Print the manual page.")
@click.pass_context
def man(context: click.Context) -> int:
    """Print the manual page, made of what --help says.

    \b
    sfnwatch man | man -l -
    sfnwatch man > ~/.local/share/man/man1/sfnwatch.1
    """
    root = context.find_root()
    put("\n".join(_page(root)))
    return Outcome.SUCCEEDED


def _page(root: click.Context) -> Iterator[str]:
    """Write the page in roff, and in ASCII alone."""
    summary = (root.command.help or "").strip().partition("\n")[0]
    yield f'.TH SFNWATCH 1 "" "sfnwatch {__version__}" "User Commands"'
    yield from (".SH NAME", rf"sfnwatch \- {_roff(summary)}", ".SH SYNOPSIS")
    yield from (f".B {_roff(root.command_path)}", *_help(root))
    yield ".SH COMMANDS"
    for context in commands(root):
        yield f".SS {_roff(context.command_path)}"
        yield from _help(context)
    yield from map(_roff, _MORE.splitlines())


def _help(context: click.Context) -> Iterator[str]:
    """Give what --help says, line by line as it is."""
    # What stands between two such spaces roff would take for a request.
    lines = (f"\\&{_roff(line)}" for line in context.get_help().splitlines())
    yield from (".PP", ".nf", *lines, ".fi")


def _roff(text: str) -> str:
    """Escape what roff would read as its own, and all that is not ASCII."""
    told = text.replace("\\", "\\e").replace("-", "\\-")
    return "".join(c if " " <= c <= "~" else f"\\[u{ord(c):04X}]" for c in told)


COMMANDS = (completion, config, man, schema)
