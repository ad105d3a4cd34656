"""What a shell may put behind what was typed: from files alone, and at once.

No SDK is imported and nothing is asked of AWS: profiles come from AWS's own files,
Regions from the list that lies beside botocore, executions from the recordings.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MOST = 200
"""Recordings looked into, the newest first: nobody chooses among more."""

Found = list["CompletionItem[str]"]


def profiles(_: click.Context, __: click.Parameter, text: str) -> Found:
    """Name the profiles of AWS's configuration."""
    return _beginning(text, sorted({*_sections()}))


def regions(_: click.Context, __: click.Parameter, text: str) -> Found:
    from sfnwatch.sources.region_names import region_names

    return _beginning(text, region_names())


def themes(_: click.Context, __: click.Parameter, text: str) -> Found:
    """Name the themes there are, but for those of a configuration."""
    from sfnwatch.tui.themes import names

    return _beginning(text, sorted(names()))


def scenarios(_: click.Context, __: click.Parameter, text: str) -> Found:
    from sfnwatch.demo.scenarios import SCENARIOS, TOGETHER

    return _beginning(text, (*TOGETHER, *SCENARIOS))


def executions(_: click.Context, __: click.Parameter, text: str) -> Found:
    """Name what was recorded, the last one first."""
    return _beginning(text, _recorded())


def files_or_executions(_: click.Context, __: click.Parameter, text: str) -> Found:
    """Leave files to the shell, unless it is an ARN that was begun."""
    if text.startswith("arn:"):
        return _beginning(text, _recorded())
    return _a_file(text)


def files(_: click.Context, __: click.Parameter, text: str) -> Found:
    return _a_file(text)


def recordings(_: click.Context, __: click.Parameter, text: str) -> Found:
    """Name the recordings' files, the newest first."""
    from sfnwatch.recording.naming import SUFFIX

    return _beginning(text, (f.name.removesuffix(SUFFIX) for f in _files()))


def _a_file(text: str) -> Found:
    """Leave it to the shell."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(text, type="file")]


def _beginning(text: str, names: Iterable[str]) -> Found:
    """Take those that begin so; what a shell would not take as a word is left out."""
    from click.shell_completion import CompletionItem

    found = (name for name in dict.fromkeys(names) if name.startswith(text))
    return [CompletionItem(name) for name in found if _is_word(name)]


def _is_word(name: str) -> bool:
    return name.isprintable() and not set(name) & set(" \"'`$\\;&|<>(),*?")


def _sections() -> Iterator[str]:
    import configparser

    for variable, usual in (
        ("AWS_CONFIG_FILE", "~/.aws/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ):
        parser = configparser.RawConfigParser(strict=False, default_section="\0")
        try:
            parser.read(Path(os.environ.get(variable) or usual).expanduser())
        except (OSError, ValueError, configparser.Error):
            continue
        for section in parser.sections():
            kind, _, name = section.rpartition("profile ")
            own = variable != "AWS_CONFIG_FILE" or section == "default"
            if own or (section.startswith("profile ") and not kind):
                yield (name or section).strip(" \"'")


def _files() -> list[Path]:
    from sfnwatch.recording.naming import SUFFIX, recordings_dir

    found: list[tuple[float, Path]] = []
    for path in recordings_dir().glob(f"*{SUFFIX}*"):
        try:
            found.append((path.stat().st_mtime, path))
        except OSError:
            continue
    return [path for _, path in sorted(found, reverse=True)[:_MOST]]


def _recorded() -> Iterator[str]:
    from sfnwatch.recording.headers import read_header

    for path in _files():
        header = read_header(path)
        if header is not None:
            yield from header.executions
