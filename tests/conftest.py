"""What all tests share: the event loop's backend, and waiting for a state."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The LanceDB bindings need asyncio."""
    return "asyncio"
