"""A process that commits, forgets and maintains until it is killed; its output says what was acknowledged.

Lines: `begin N PATH…`, `done N`, `forget N PATH…`, `forgotten N`, `maintain`, `maintained`, `reshape`, `reshaped`. It
kills itself with SIGKILL from a thread, a random time after a random line: what a kill can hit is all in between.
"""

import os
import random
import signal
import sys
import threading
from typing import Any

import anyio
from tests.storing.making import puts, row, unit

from glimpsed.records import Encoding, Row
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer

PATHS = 40


ENCODERS = (("large", 8), ("other", 8), ("huge", 16))
"""Of which the table has columns by turns."""


def of_all_encoders(number: int, **fields: Any) -> Row:
    """A row that all of them have encoded: the table keeps what it has columns for."""
    others = {encoder: Encoding(unit(number + length, length)) for encoder, length in ENCODERS}
    return row(number, others=others, **fields)


async def main(state: str, start: int, seed: int, during: str) -> None:
    chance = random.Random(seed)
    left = chance.randrange(1, 12)

    def say(line: str) -> None:
        nonlocal left
        # One write, so that a kill leaves no half of a line.
        os.write(1, f"{line}\n".encode())
        if line.startswith(during):
            left -= 1
            if left == 0 or during in ("maintain", "reshape"):
                threading.Timer(chance.uniform(0, 0.15), os.kill, (os.getpid(), signal.SIGKILL)).start()

    async with open_table(state) as table:
        writer = Writer(table)
        if table.notices:
            say("notice " + " ".join(table.notices))
        number = start
        while True:
            number += 1
            some = chance.sample(range(PATHS), chance.randrange(1, 9))
            gone = 1.0 if chance.random() < 0.2 else None
            rows = [of_all_encoders(one, attempts=number, missing_since=gone) for one in some]
            say(f"begin {number} {' '.join(one.path for one in rows)}")
            await writer.commit(puts(rows))
            say(f"done {number}")
            if gone and chance.random() < 0.5:
                number += 1
                say(f"forget {number} {' '.join(one.path for one in rows)}")
                await writer.forget([one.path for one in rows])
                say(f"forgotten {number}")
            if number % 3 == 0:
                say("reshape")
                if chance.random() < 0.5:
                    await writer.add_encoder(*chance.choice(ENCODERS))
                else:
                    await writer.drop_encoders(chance.choice(ENCODERS)[0])
                say("reshaped")
            if number % 5 == 0:
                say("maintain")
                await writer.maintain(force=True)
                say("maintained")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
