"""The commands about the program itself: completion, manual, schema."""

import json
import os
from collections.abc import Iterator

import click
from click import shell_completion as click_shells

from sfnwatch import __version__
from sfnwatch.cli.narration import put
from sfnwatch.cli.settings import commands

# -- completion ------------------------------------------------------------------------


@click_shells.add_completion_class
class Bash(click_shells.BashComplete):
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
        words = click_shells.split_arg_string(line)
        incomplete = "" if not words or line[-1:].isspace() else words.pop()
        if incomplete.startswith("--") and "=" in incomplete:
            option, _, incomplete = incomplete.partition("=")
            words.append(option)
        self._word = incomplete
        return words[1:], incomplete

    def format_completion(self, item: click_shells.CompletionItem[str]) -> str:
        """Leave out what bash takes for words before this one."""
        value = str(item.value)
        if ":" in os.environ.get("COMP_WORDBREAKS", ":"):
            value = value.removeprefix(self._word[: self._word.rfind(":") + 1])
        return f"{item.type},{value}"


@click_shells.add_completion_class
class Zsh(click_shells.ZshComplete):
    """Completes for zsh as click does, but leaves `--option=` where it is."""

    # With `-U` zsh puts what is chosen in the place of the whole word.
    source_template = click_shells.ZshComplete.source_template.replace(
        " -U", ""
    ).replace("    for type key", "    compset -P '--*='\n    for type key")


SHELLS = {"bash": Bash, "zsh": Zsh, "fish": click_shells.FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete `sfnwatch`; nothing is asked of a network.

    \b
    bash  sfnwatch completion bash > ~/.local/share/bash-completion/completions/sfnwatch
    zsh   sfnwatch completion zsh > "${fpath[1]}/_sfnwatch"
    fish  sfnwatch completion fish > ~/.config/fish/completions/sfnwatch.fish

    It completes commands and options, profiles and Regions, recorded executions,
    themes, scenarios, files.
    """
    command = context.find_root().command
    made = SHELLS[shell](command, {}, "sfnwatch", "_SFNWATCH_COMPLETE")
    put((made.source_template % made.source_vars()).removesuffix("\n"))


@click.command()
@click.argument(
    "what", type=click.Choice(["trace", "lines"]), required=False, default="trace"
)
def schema(what: str) -> None:
    """Print the JSON schema of what programs are given.

    `trace` is what `export --to json` writes, `lines` what each line of --json is. Keys
    may be added in this version, and are never renamed.

    \b
    sfnwatch schema > trace.schema.json
    sfnwatch schema lines
    """
    from sfnwatch.export.json import line_schema, trace_schema

    told = trace_schema() if what == "trace" else line_schema()
    put(json.dumps(told, indent=2, ensure_ascii=False))


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


@click.command()
@click.pass_context
def man(context: click.Context) -> None:
    """Print the manual page, made of what --help says.

    \b
    sfnwatch man | man -l -
    sfnwatch man > ~/.local/share/man/man1/sfnwatch.1
    """
    put("\n".join(_page(context.find_root())))


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
