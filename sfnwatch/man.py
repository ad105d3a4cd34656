"""The manual page, made of the same words as --help: in roff, and in ASCII alone."""

from collections.abc import Iterable, Iterator
from inspect import cleandoc

import click

from sfnwatch import __version__

_INDENT = "        "
_ENVIRONMENT = (
    ("SFNWATCH_CONFIG", "Names another file of settings."),
    (
        "SFNWATCH_…",
        "Any option, with _ for -. The command line overrules it, and it the file.",
    ),
    ("AWS_PROFILE, AWS_REGION, …", "As the AWS CLI reads them."),
    ("NO_COLOR", "Draws without colours."),
)
_FILES = (
    ("~/.config/sfnwatch/config.toml", "Settings, or your platform's equivalent."),
    ("~/.local/state/sfnwatch/recordings", "What was watched."),
)


def page(command: click.Command) -> str:
    """Give the manual page of a command with all that are below it."""
    with click.Context(command, info_name="sfnwatch") as context:
        return "\n".join(_lines(command, context)) + "\n"


def _lines(command: click.Command, context: click.Context) -> Iterator[str]:
    summary, _, rest = _help(command).partition("\n")
    yield f'.TH SFNWATCH 1 "" "sfnwatch {escaped(__version__)}" "User Commands"'
    yield from (".SH NAME", rf"sfnwatch \- {escaped(_lowered(summary))}")
    yield from (".SH SYNOPSIS", ".nf")
    yield from (f".B {escaped(line)}" for line in _synopses(command, context))
    yield from (".fi", ".SH DESCRIPTION", *_text(rest.strip("\n")))
    yield from (".SH COMMANDS", *_commands(command, context))
    yield from _epilog(command.epilog or "")
    yield from (".SH ENVIRONMENT", *_listed(_ENVIRONMENT))
    yield from (".SH FILES", *_listed(_FILES))
    yield from (".SH SEE ALSO", r".BR aws (1)")


def _help(command: click.Command) -> str:
    return cleandoc(command.help or "")


def _lowered(summary: str) -> str:
    return (summary[:1].lower() + summary[1:]).rstrip(".")


def _below(
    command: click.Command, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    """Yield every command below one, each with its context, groups before theirs."""
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is None or below.hidden:
            continue
        inner = click.Context(below, info_name=name, parent=context)
        yield below, inner
        yield from _below(below, inner)


def _synopses(command: click.Command, context: click.Context) -> Iterator[str]:
    for below, inner in _below(command, context):
        yield f"{inner.command_path} {' '.join(below.collect_usage_pieces(inner))}"


def _commands(command: click.Command, context: click.Context) -> Iterator[str]:
    for below, inner in _below(command, context):
        yield f".SS {escaped(inner.command_path)}"
        yield from _text(_help(below))
        # Some versions of click have a record without words for an argument.
        options = (p for p in below.get_params(inner) if isinstance(p, click.Option))
        records = (option.get_help_record(inner) for option in options)
        yield from _listed(record for record in records if record is not None)


def _listed(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for names, words in pairs:
        yield from (".TP", f".B {escaped(names)}", _line(words))


def _epilog(text: str) -> Iterator[str]:
    """Write what stands below the help; its lists have a heading of their own."""
    for paragraph in _paragraphs(text):
        first, *rest = paragraph.removeprefix("\b\n").splitlines()
        if rest and first.endswith(":"):
            heading = "EXIT STATUS" if "xit" in first else first[:-1].upper()
            yield f".SH {escaped(heading)}"
            yield from _preformatted(rest)
        else:
            yield from (".PP", *map(_line, paragraph.splitlines()))


def _text(text: str) -> Iterator[str]:
    """Write a help text: a paragraph that click would not wrap is left as it is."""
    for paragraph in _paragraphs(text):
        lines = paragraph.splitlines()
        if lines[0].strip() == "\b":
            yield from (".PP", *_preformatted(lines[1:]))
        else:
            yield from (".PP", *map(_line, lines))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        if paragraph.strip("\b\n "):
            yield paragraph.strip("\n")


def _preformatted(lines: list[str]) -> Iterator[str]:
    yield from (".nf", *map(_line, lines), ".fi")


def _line(text: str) -> str:
    r"""Escape a line of text; one that begins like a request is none with `\&`."""
    told = escaped(text)
    return f"\\&{told}" if told.startswith((".", "'")) else told


def escaped(text: str) -> str:
    """Escape what roff would read as its own, and all that is not ASCII."""
    told = text.replace("\\", "\\e").replace("-", "\\-").replace("\b", "")
    return "".join(c if " " <= c <= "~" else f"\\[u{ord(c):04X}]" for c in told)
