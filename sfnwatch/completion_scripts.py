"""The scripts that make shells complete `sfnwatch`, and how bash is answered.

Click has them for bash, zsh and fish. Bash cuts words at colons, which ARNs are full
of, and at `=`: its script is ours, which hands over the line as it is.
"""

import os

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

VARIABLE = "_SFNWATCH_COMPLETE"
"""By which a shell says that it wants something completed."""
SHELLS = ("bash", "zsh", "fish")


class Bash(BashComplete):
    """Completes for bash, by the line up to the cursor."""

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

    _word = ""


def register() -> None:
    """Have this bash completion answer, where one is asked for."""
    add_completion_class(Bash)


def script(command: click.Command, shell: str) -> str:
    """Give what a shell must read once to complete `sfnwatch`."""
    register()
    found = get_completion_class(shell)
    if found is None:
        msg = f"no completion for {shell}"
        raise ValueError(msg)
    made = found(command, {}, "sfnwatch", VARIABLE)
    return made.source_template % made.source_vars()
