"""The commands that make the program at home in a shell: completion, manual."""

import click

from sfnwatch.errors import Outcome

_SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print a shell's completion script.")
@click.argument("shell", type=click.Choice(_SHELLS), metavar="bash|zsh|fish")
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print what makes a shell complete `sfnwatch`; nothing is asked of a network.

    \b
    bash  sfnwatch completion bash > ~/.local/share/bash-completion/completions/sfnwatch
    zsh   sfnwatch completion zsh > "${fpath[1]}/_sfnwatch"
    fish  sfnwatch completion fish > ~/.config/fish/completions/sfnwatch.fish

    Completed are commands and options, profiles and Regions, what was recorded, themes,
    scenarios, files.
    """
    from sfnwatch.completion_scripts import script

    click.echo(script(context.find_root().command, shell), nl=False)
    return Outcome.SUCCEEDED


@click.command(short_help="Print the manual page.")
@click.pass_context
def man(context: click.Context) -> int:
    """Print the manual page, made of what --help says.

    \b
    sfnwatch man | man -l -
    sfnwatch man > ~/.local/share/man/man1/sfnwatch.1
    """
    from sfnwatch.man import page

    click.echo(page(context.find_root().command), nl=False)
    return Outcome.SUCCEEDED


COMMANDS = (completion, man)
