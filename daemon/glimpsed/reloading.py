"""Taking up another configuration while running: folders, ignore rules, the log's level. The rest waits for a start."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from anyio import to_thread

from glimpsed import logs, systemd
from glimpsed.answers import Answers
from glimpsed.config import Config
from glimpsed.errors import ConfigError
from glimpsed.events import Event, Journal
from glimpsed.indexing.backlog import Pulse
from glimpsed.indexing.folders import Folders
from glimpsed.indexing.scans import Scans
from glimpsed.pipeline import Pipeline
from glimpsed.searching.search import Search

TAKEN_UP = frozenset({"watch.folders", "watch.ignore", "watch.follow_symlinks", "log.level"})
"""The keys that are."""

Load = Callable[[], Config]
"""Reads the configuration again, from the same places. Raises ConfigError."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What another configuration changes."""

    config: Config
    """The one that holds from now on: the old one, with what can be taken up."""
    changed: tuple[str, ...]
    later: tuple[str, ...]
    """Keys that are other ones, too, and have to wait for the next start."""


def compare(old: Config, new: Config) -> Difference:
    """What of `new` can be taken up."""
    differ = [
        f"{section.name}.{key.name}"
        for section in fields(Config)
        for key in fields(getattr(old, section.name))
        if getattr(getattr(old, section.name), key.name) != getattr(getattr(new, section.name), key.name)
    ]
    watch = replace(
        old.watch, folders=new.watch.folders, ignore=new.watch.ignore, follow_symlinks=new.watch.follow_symlinks
    )
    return Difference(
        replace(old, watch=watch, log=replace(old.log, level=new.log.level)),
        tuple(key for key in differ if key in TAKEN_UP),
        tuple(key for key in differ if key not in TAKEN_UP),
    )


class Reloading:
    """Reads the configuration again whenever it is asked to."""

    def __init__(
        self,
        load: Load,
        journal: Journal,
        pipeline: Pipeline,
        search: Search,
        answers: Answers,
        made: Callable[[Config], tuple[Folders, Scans]],
    ) -> None:
        self._load = load
        self._journal = journal
        self._pipeline = pipeline
        self._search = search
        self._answers = answers
        self._made = made

    async def run(self, asked: Pulse) -> None:
        """At every beat, until cancelled. systemd is told when it begins and that all is ready again, in any case."""
        beats = 0
        while True:
            await asked.wait(beats)
            beats = asked.beats
            systemd.reloading()
            try:
                new = await to_thread.run_sync(self._load)
            except ConfigError as error:
                faults = [str(fault) for fault in error.faults]
                self._answers.config_refused = "; ".join(faults)
                self._journal.say(Event.CONFIG_REFUSED, faults=faults)
            else:
                self._answers.config_refused = None
                self._take_up(new)
            systemd.ready(await self._answers.line())

    def _take_up(self, new: Config) -> None:
        """The folders are watched anew in any case: rules in files of theirs may have changed."""
        context = self._pipeline.context
        difference = compare(context.config, new)
        context.config = difference.config
        logs.set_level(difference.config.log.level)
        self._search.folders = difference.config.watch.folders
        self._pipeline.change(*self._made(difference.config))
        self._journal.say(Event.CONFIG_RELOADED, changed=difference.changed, later=difference.later)
