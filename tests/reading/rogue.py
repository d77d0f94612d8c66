"""A picture worker that was taken over, as far as a test can have one: it runs what it is told, where it stands.

`Hash` of a path that is Python runs it; what it raises, or `done`, comes back as the fault.
"""

from pathlib import Path
from typing import Any

from glimpsed.reading.workers import Workers
from glimpsed.records import Unread

MODULE = """
import os, resource, signal, socket, subprocess, sys, time
from glimpsed.reading import worker
from glimpsed.reading.messages import Failed, Hash
from glimpsed.records import Fault, FaultKind

kept = []

class Rogue(worker.Worker):
    def answer(self, request):
        if not isinstance(request, Hash):
            return super().answer(request)
        try:
            exec(os.fsdecode(request.path), globals())
        except Exception as error:
            return Failed(None, Fault(FaultKind.BROKEN, f"{type(error).__name__}: {error}"))
        return Failed(None, Fault(FaultKind.BROKEN, "done"))

worker.Worker = Rogue
worker.main()
"""


def rogues(home: Path, count: int = 1, **more: Any) -> Workers:
    """Such workers; PYTHONPATH has to hold `home`."""
    (home / "rogue.py").write_text(MODULE)
    more = {"timeout": 60.0, "max_pixels": 1_000_000, "private": str(home / "private"), **more}
    return Workers(count, module="rogue", **more)


async def run(workers: Workers, code: str) -> str:
    """What became of the code."""
    said = await workers.hash(code)
    assert isinstance(said, Unread)
    assert said.fault is not None
    return said.fault.what
