"""What a shell may put behind what was typed: from files alone, and at once.

No SDK is imported and nothing is asked of AWS: profiles come from AWS's own files,
Regions from the list that lies beside botocore, executions from the recordings.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

VARIABLE = "_SFNWATCH_COMPLETE"
"""By which a shell says that it wants something completed."""
_MOST = 200
"""Recordings looked into, the newest first: nobody chooses among more."""
Found = list[CompletionItem[str]]


def profiles(_: click.Context, __: click.Parameter, text: str) -> Found:
    """Name the profiles of AWS's configuration."""
    return _beginning(text, sorted({*_profiles()}))


def regions(_: click.Context, __: click.Parameter, text: str) -> Found:
    from sfnwatch.sources.profiles import region_names

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
    return [CompletionItem(text, type="file")]


def files(_: click.Context, __: click.Parameter, text: str) -> Found:
    """Leave it to the shell."""
    return [CompletionItem(text, type="file")]


def recordings(_: click.Context, __: click.Parameter, text: str) -> Found:
    """Name the recordings' files, the newest first."""
    from sfnwatch.recording.format import SUFFIX

    return _beginning(text, (f.name.removesuffix(SUFFIX) for f in _files()))


def _beginning(text: str, names: Iterable[str]) -> Found:
    """Take those that begin so; what a shell would not take as a word is left out."""
    found = (name for name in dict.fromkeys(names) if name.startswith(text))
    return [CompletionItem(name) for name in found if _is_word(name)]


def _is_word(name: str) -> bool:
    return name.isprintable() and not set(name) & set(" \"'`$\\;&|<>(),*?")


def _profiles() -> Iterator[str]:
    """Read the names of profiles, which the two files write in two ways."""
    for variable, usual, name in (
        ("AWS_CONFIG_FILE", "~/.aws/config", r"profile\s+(.+)|(default)"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", r"(.+)"),
    ):
        path = Path(os.environ.get(variable) or usual).expanduser()
        with suppress(OSError, ValueError):
            # A pipe's writer would be waited for.
            text = path.read_text() if path.is_file() else ""
            for found in re.finditer(rf"(?m)^\[(?:{name})\]", text):
                yield next(filter(None, found.groups())).strip(" \"'")


def _files() -> Iterator[Path]:
    from sfnwatch.recording.library import recording_paths, recordings_dir

    return islice(recording_paths(recordings_dir()), _MOST)


def _recorded() -> Iterator[str]:
    from sfnwatch.recording.library import read_header

    for path in _files():
        header = read_header(path)
        if header is not None:
            yield from header.executions


# -- the scripts -----------------------------------------------------------------------


@add_completion_class
class Bash(BashComplete):
    """Completes for bash, by the line up to the cursor.

    Bash cuts words at colons, which ARNs are full of, and at `=`: this script hands
    over the line as it is, where click's hands over the words.
    """

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' kind value
    COMPREPLY=()
    while IFS=',' read -r kind value; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" \
COMP_WORDBREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""
    _word = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)
        incomplete = "" if not words or line[-1:].isspace() else words.pop()
        if incomplete.startswith("--") and "=" in incomplete:
            option, _, incomplete = incomplete.partition("=")
            words.append(option)
        self._word = incomplete
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Leave out what bash takes for words before this one."""
        value = str(item.value)
        if ":" in os.environ.get("COMP_WORDBREAKS", ":"):
            value = value.removeprefix(self._word[: self._word.rfind(":") + 1])
        return f"{item.type},{value}"


@add_completion_class
class Zsh(ZshComplete):
    """Completes for zsh as click does, but leaves `--option=` where it is."""

    # With `-U` zsh puts what is chosen in the place of the whole word.
    source_template = ZshComplete.source_template.replace(" -U", "").replace(
        "    for type key", "    compset -P '--*='\n    for type key"
    )


SHELLS: Mapping[str, type[ShellComplete]] = {
    "bash": Bash,
    "zsh": Zsh,
    "fish": FishComplete,
}


def script(command: click.Command, shell: str) -> str:
    """Give what a shell must read once to complete `sfnwatch`."""
    made = SHELLS[shell](command, {}, "sfnwatch", VARIABLE)
    return made.source_template % made.source_vars()
