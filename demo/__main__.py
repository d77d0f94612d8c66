"""The demo: a real daemon, a dozen pictures, questions in many languages, and a table of what was found.

Exits with 1 when a question does not find its picture first. Leaves nothing behind.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table

import pictures
from glimpsed.client import Answer, Client
from glimpsed.errors import UnreachableError

RENAMED = "birthday cake with candles.png"
QUESTIONS = (
    # (language, question, the picture that answers it)
    ("English", "ramen receipt from Kyoto", "scan0001.png"),
    ("Chinese", "去上海的火车票", "IMG_20241205_081500.png"),
    ("German", "Fehlermeldung: Division durch null", "Screenshot from 2024-09-17.png"),
    ("Spanish", "cartel de un concierto de flamenco en Sevilla", "cartel.jpg"),
    ("French", "le jardin de ma grand-mère", "DSCF1187.jpg"),
    ("German", "Segelboote bei Sonnenuntergang", "DSC_0042.jpg"),
    ("Japanese", "誕生日ケーキ", RENAMED),
    ("English", "dentist bill", "scan0002.png"),
    ("Italian", "cane sulla spiaggia", "P1030555.jpg"),
    ("English", "what was the wifi password", "note.webp"),
    ("Portuguese", "reunião sobre contratar um designer", "whiteboard.jpg"),
    ("Russian", "схема кофемашины", "Untitled-3.png"),
    ("English", "type:jpeg before:2024 tulips", "DSCF1187.jpg"),
)
PATIENCE = 240  # seconds; a slow machine is no failure

console = Console()


@contextmanager
def daemon(home: Path, folder: Path) -> Iterator[Client]:
    """A daemon of its own, with its own state, log and socket."""
    log = home / "log"
    command = [sys.executable, "-m", "glimpsed", "--folder", str(folder), "--state", str(home / "state")]
    environment = {**os.environ, "GLIMPSED_LOG_FILE": str(log), "XDG_CONFIG_HOME": str(home / "config")}
    socket = home / "socket"
    process = subprocess.Popen([*command, "--socket", str(socket)], env=environment)
    try:
        with Client(str(socket)) as client:
            wait_for_answer(client, process)
            yield client
    except BaseException:
        if log.exists():
            console.print(log.read_text(encoding="utf-8")[-4000:], markup=False, style="dim")
        raise
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for_answer(client: Client, process: "subprocess.Popen[bytes]") -> None:
    """Until the daemon answers; it ending instead is a failure."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            client.status()
        except UnreachableError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def wait_until_idle(client: Client, pictures_expected: int) -> None:
    """Until every picture is through both passes, showing how far it is."""
    deadline = time.monotonic() + PATIENCE
    with console.status("") as line:
        while True:
            status = client.status()
            counts = status["pictures"]
            line.update(f"{counts['fresh']} of {pictures_expected} pictures read in full")
            if status["state"] == "idle" and counts["fresh"] >= pictures_expected:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"not idle after {PATIENCE} s: {status}")
            time.sleep(0.1)


def ask(client: Client) -> bool:
    """Ask every question and print what was found; whether each found its picture first."""
    table = Table(title="Where is that picture?", title_justify="left", expand=True)
    table.add_column("language", no_wrap=True)
    table.add_column("question", ratio=3)
    table.add_column("first hit", ratio=3, overflow="fold")
    table.add_column("why", ratio=4, no_wrap=True, overflow="ellipsis")
    table.add_column("ms", justify="right")
    table.add_column("")
    right = 0
    for language, question, expected in QUESTIONS:
        started = time.perf_counter()
        answer: Answer = client.search(question, k=3)
        took = (time.perf_counter() - started) * 1000
        hit = answer["hits"][0] if answer["hits"] else None
        found = Path(hit["path"]).name if hit else "nothing"
        good = found == expected
        right += good
        if not good:
            console.print(f"[red]{question}[/] should have found {expected}")
        mark = "[green]✓[/]" if good else "[red]✗[/]"
        table.add_row(language, question, found, hit["why"].replace("\n", " ") if hit else "", f"{took:.0f}", mark)
    console.print(table)
    console.print(f"{right} of {len(QUESTIONS)} questions found their picture first.")
    return right == len(QUESTIONS)


def main() -> int:
    """Run it all."""
    with tempfile.TemporaryDirectory(prefix="glimpsed-demo-") as name:
        home = Path(name)
        folder = home / "Pictures"
        folder.mkdir()
        console.print("Starting a daemon with its own state and folder …")
        with daemon(home, folder) as client:
            console.print(f"Dropping {len(pictures.DRAWN)} pictures into its folder …")
            for draw in pictures.DRAWN:
                draw(folder)
            wait_until_idle(client, len(pictures.DRAWN))
            console.print(f"Renaming IMG_4711.png to “{RENAMED}” …")
            (folder / "IMG_4711.png").rename(folder / RENAMED)
            client.search("cake", sync=True, timeout=PATIENCE)
            encoder = client.status()["encoder"]
            console.print(f"Encoder: {encoder['name']} on {encoder['device']} ({encoder['reason']})\n")
            return 0 if ask(client) else 1


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
