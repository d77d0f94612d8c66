"""Waiting for a state, never for a time."""

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")

DEADLINE = 60.0
"""Seconds; generous, for it only bounds how long a failure takes to be told."""


async def until(state: "Callable[[], T | Awaitable[T]]", *, deadline: float = DEADLINE) -> T:
    """The first true value of `state`; a failure names the last one seen."""
    end = time.monotonic() + deadline
    while True:
        value = state()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < end, f"still {value!r} after {deadline} s: {inspect.getsource(state)}"
        await anyio.sleep(0.01)


def wait_for(state: Callable[[], T], *, deadline: float = DEADLINE) -> T:
    """The first true value of `state`, for tests that are not async."""
    end = time.monotonic() + deadline
    while True:
        value = state()
        if value:
            return value
        assert time.monotonic() < end, f"still {value!r} after {deadline} s: {inspect.getsource(state)}"
        time.sleep(0.02)
