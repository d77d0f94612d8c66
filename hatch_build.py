"""Puts the manual pages into the wheel, made from the very programs in it."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualPages(BuildHookInterface):  # type: ignore[type-arg]  # of its configuration, which is none
    """Runs before a wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See hatchling's BuildHookInterface."""
        sys.path.insert(0, str(Path(self.root, "daemon")))
        try:
            from glimpsed import cli, cli_manual  # noqa: PLC0415  only there now

            pages = {
                "glimpse.1": cli_manual.glimpse_page(cli.client),
                "glimpsed.1": cli_manual.glimpsed_page(cli.daemon),
            }
        finally:
            sys.path.pop(0)
        place = Path(self.directory, "man1")
        place.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (place / name).write_text(text, encoding="utf-8")
            build_data["shared_data"][str(place / name)] = f"share/man/man1/{name}"
