"""Several reads at a time."""

from collections.abc import Awaitable

import anyio


async def together(*reads: Awaitable[None]) -> None:
    """Wait for all; the first failure ends the others and is raised as it is, not in a group."""

    async def wait_for(read: Awaitable[None]) -> None:
        await read

    try:
        async with anyio.create_task_group() as tasks:
            for read in reads:
                tasks.start_soon(wait_for, read)
    except ExceptionGroup as group:
        error: Exception = group
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        raise error from group
