"""The scripts that make shells complete `sfnwatch`, and how they are answered.

Click has them for bash, zsh and fish. Bash cuts words at colons, which ARNs are full
of, and at `=`: its script is ours, which hands over the line as it is. Those of the
other two are ours because click's forget `--option=` before a value, and cut what fish
says of each at its first comma.
"""

import os

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ZshComplete,
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


class Zsh(ZshComplete):
    """Completes for zsh, which is told to leave `--option=` where it is."""

    source_template = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local -a plain told response
    local kind key said

    (( ! $+commands[%(prog_name)s] )) && return 1
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \
%(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    compset -P '--*='
    for kind key said in $response; do
        case $kind in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain) [[ $said == _ ]] && plain+=("$key") || told+=("$key:$said") ;;
        esac
    done
    (( $#told )) && _describe -V unsorted told
    (( $#plain )) && compadd -V unsorted -a plain
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    # It lies in fpath, and this is the first call.
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


class Fish(FishComplete):
    """Completes for fish, which wants the whole word back, and takes a word on each."""

    source_template = """\
function %(complete_func)s
    set -l word (commandline -ct)
    set -l before (string match -r -- '^--[^=]+=' $word)
    for line in (env COMP_WORDS=(commandline -cp) COMP_CWORD=$word \
%(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
        set -l parts (string split -m 1 , -- $line)
        switch $parts[1]
            case dir
                printf "$before%%s\\n" (__fish_complete_directories $parts[2])
            case file
                printf "$before%%s\\n" (__fish_complete_path $parts[2])
            case plain
                printf "$before%%s\\n" $parts[2]
        end
    end
end

complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""

    def format_completion(self, item: CompletionItem[str]) -> str:
        said = " ".join((item.help or "").split())
        return f"{item.type},{item.value}" + (f"\t{said}" if said else "")


def register() -> None:
    """Have these answer, where a shell asks."""
    for each in (Bash, Zsh, Fish):
        add_completion_class(each)


def script(command: click.Command, shell: str) -> str:
    """Give what a shell must read once to complete `sfnwatch`."""
    register()
    found = get_completion_class(shell)
    if found is None:
        msg = f"no completion for {shell}"
        raise ValueError(msg)
    made = found(command, {}, "sfnwatch", VARIABLE)
    return made.source_template % made.source_vars()
