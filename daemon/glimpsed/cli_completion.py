"""`glimpse completion`: what a shell needs to complete glimpse's commands and options."""

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")


def files(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """What completes a path: the shell's own names of files."""
    return [CompletionItem(begun, type="file")]


def directories(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The same where only a directory makes sense."""
    return [CompletionItem(begun, type="dir")]


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
