"""What is worth saying when the state of the chosen encoder changes. Pure."""

from collections.abc import Iterator

from glimpsed.encoding.comeback import Lost
from glimpsed.encoding.strong import ChosenState
from glimpsed.events import Event

Said = tuple[Event, dict[str, object]]


class News:
    """Compares each state with what was said before."""

    def __init__(self) -> None:
        self._told: tuple[str, str] | None = None
        self._lost: dict[str, Lost] = {}

    def of(self, state: ChosenState) -> Iterator[Said]:
        """The lines to say about it, in order; nothing is said twice."""
        yield from self._devices(state)
        if state.phase == "choosing" or (state.phase, state.reason) == self._told:
            return
        self._told = (state.phase, state.reason)
        match state.phase:
            case "unloaded":
                yield _said(Event.ENCODER_UNLOADED, encoder=state.id, reason=state.reason)
            case "failed":
                yield _said(Event.ENCODER_FAILED, encoder=state.id, step=state.step, error=state.reason)
            case _:
                yield _said(
                    Event.ENCODER_CHOSEN, encoder=state.id, name=state.name, device=state.device, reason=state.reason
                )

    def _devices(self, state: ChosenState) -> Iterator[Said]:
        before, self._lost = self._lost, {one.device: one for one in state.lost}
        for device, one in self._lost.items():
            known = before.get(device)
            if known is None:
                yield _said(Event.DEVICE_LOST, device=device, error=one.reason)
            elif one.looked != known.looked:
                yield _said(Event.DEVICE_STILL_LOST, device=device, looked=one.looked, error=one.reason)
        for device in before.keys() - self._lost.keys():
            yield _said(Event.DEVICE_BACK, device=device, encoder=state.id)


def _said(event: Event, **fields: object) -> Said:
    return event, fields
