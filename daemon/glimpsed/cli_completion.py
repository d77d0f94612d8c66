"""`glimpse completion`: what a shell needs to complete glimpse's commands and options."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes glimpse in a shell.

    \b
    bash: glimpse completion bash > ~/.local/share/bash-completion/completions/glimpse
    zsh:  glimpse completion zsh > a file _glimpse in a directory of $fpath
    fish: glimpse completion fish > ~/.config/fish/completions/glimpse.fish
    """
    print(script(context.find_root().command, shell))


def script(program: click.Command, shell: str) -> str:
    """The script, which asks the program itself at every completion."""
    found = get_completion_class(shell)
    assert found is not None
    made = found(program, {}, "glimpse", "_GLIMPSE_COMPLETE")
    return made.source_template % made.source_vars()  # source() would run bash to look at its version
