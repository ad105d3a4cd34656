"""The values that a shell completes: profiles, themes, recordings, executions.

Completion imports no SDK and does not ask AWS: profiles come from AWS's own files,
executions from the recordings.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click

from sfnwatch.recording.format import SUFFIX
from sfnwatch.recording.library import readable_header, recording_paths, recordings_dir
from sfnwatch.sources.aws_settings import profile_names

Completes = Callable[[click.Context, click.Parameter, str], list[Any]]
_MOST_RECORDINGS = 200
"""Most recordings that completion reads, newest first: nobody chooses among more."""
_SPECIAL = frozenset(" \"'`$\\;&|<>(),*?")
"""Characters that have a meaning in a shell."""


def completing(names: Callable[[], Iterable[str]]) -> Completes:
    """Return a completion of the names that begin with the typed text.

    Names that a shell would not take as one word are left out.
    """

    def complete(_: click.Context, __: click.Parameter, text: str) -> list[str]:
        words = filter(_is_word, dict.fromkeys(names()))
        return [word for word in words if word.startswith(text)]

    return complete


def _is_word(name: str) -> bool:
    return name.isprintable() and _SPECIAL.isdisjoint(name)


def _themes() -> Iterable[str]:
    """Return the names of the themes, without those of a configuration."""
    from sfnwatch.tui.themes import names

    return sorted(names())


def _recording_files() -> Iterator[Path]:
    return islice(recording_paths(recordings_dir()), _MOST_RECORDINGS)


def _recordings() -> Iterator[str]:
    for path in _recording_files():
        yield path.name.removesuffix(SUFFIX)


def _executions() -> Iterator[str]:
    """Yield the ARNs of recorded executions, of the newest recording first."""
    for path in _recording_files():
        header = readable_header(path)
        if header is not None:
            yield from header.executions


complete_themes = completing(_themes)
complete_profiles = completing(lambda: sorted(profile_names()))
complete_recordings = completing(_recordings)
complete_executions = completing(_executions)
complete_files = click.Path().shell_complete
"""Leaves the completion of files to the shell."""


def complete_files_or_executions(
    context: click.Context, param: click.Parameter, text: str
) -> list[Any]:
    """Complete executions once an ARN is begun; otherwise leave files to the shell."""
    if text.startswith("arn:"):
        return complete_executions(context, param, text)
    return complete_files(context, param, text)
