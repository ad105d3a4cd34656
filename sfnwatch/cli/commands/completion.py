"""The command that prints a shell's completion script, and what answers the script."""

import os

import click
from click import shell_completion as click_shells

from sfnwatch.cli.narration import put
from sfnwatch.templates import read_template


@click_shells.add_completion_class
class Bash(click_shells.BashComplete):
    """Completion for bash, by the line up to the cursor.

    Bash cuts words at colons, which ARNs are full of, and at `=`. So this script passes
    on the line as it is, while click's script passes on the words.
    """

    source_template = read_template("completion.bash")
    _word = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE", "")
        words = click_shells.split_arg_string(line)
        incomplete = ""
        if words and not line[-1:].isspace():
            incomplete = words.pop()
        if incomplete.startswith("--") and "=" in incomplete:
            option, _, incomplete = incomplete.partition("=")
            words.append(option)
        self._word = incomplete
        return words[1:], incomplete

    def format_completion(self, item: click_shells.CompletionItem[str]) -> str:
        """Return a completion without its part up to the last colon typed.

        Bash takes that part for earlier words.
        """
        value = str(item.value)
        if ":" in os.environ.get("COMP_WORDBREAKS", ":"):
            last_colon = self._word.rfind(":")
            value = value.removeprefix(self._word[: last_colon + 1])
        return f"{item.type},{value}"


@click_shells.add_completion_class
class Zsh(click_shells.ZshComplete):
    """Completion for zsh like click's, but it leaves `--option=` where it is."""

    source_template = click_shells.ZshComplete.source_template
    # With `-U` zsh replaces the whole word by the chosen completion.
    source_template = source_template.replace(" -U", "")
    source_template = source_template.replace(
        "    for type key", "    compset -P '--*='\n    for type key"
    )


_SHELLS = {"bash": Bash, "zsh": Zsh, "fish": click_shells.FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS), metavar="bash|zsh|fish")
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
    answering = _SHELLS[shell](command, {}, "sfnwatch", "_SFNWATCH_COMPLETE")
    # `source()` of click would run bash, to see its version.
    script = answering.source_template % answering.source_vars()
    put(script.removesuffix("\n"))
