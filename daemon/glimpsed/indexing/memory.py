"""Small things remembered from one run to the next, beside the table; losing one only makes the daemon more careful."""

import json
from pathlib import Path


class Memory:
    """One JSON file in the state directory."""

    def __init__(self, state: str, name: str) -> None:
        self._path = Path(state, name)

    def read(self) -> object:
        """What was written last; None where nothing can be had."""
        try:
            return json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def write(self, value: object) -> None:
        """Keep `value`. Where that fails, the next one may have more luck."""
        partial = self._path.with_suffix(".part")
        try:
            partial.write_text(json.dumps(value), encoding="utf-8")
            partial.replace(self._path)
        except OSError:
            return


def devices(value: object) -> dict[str, int]:
    """The device ids by name in what was read; empty where it is no such thing."""
    if not isinstance(value, dict):
        return {}
    return {str(name): device for name, device in value.items() if isinstance(device, int)}
