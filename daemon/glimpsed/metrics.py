"""What is counted, for `/metrics`: one registry a daemon, so that two in one process do not add up."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_STAGES = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
_SEARCHES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)


class Metrics:
    """The daemon's counters. Names are part of the interface: docs/metrics.md."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reached: dict[object, float] = {}
        self._count_work()
        self._measure_queues()
        self._measure_the_rest()

    def _count_work(self) -> None:
        registry = self.registry
        self.pictures = Gauge("glimpsed_pictures", "Rows by state", ["state"], registry=registry)
        self.waiting = Gauge("glimpsed_waiting", "Hints that are not rows yet", registry=registry)
        self.read = Counter("glimpsed_read", "Pictures read from the disk", ["outcome"], registry=registry)
        self.ocr = Counter("glimpsed_ocr", "Pictures given to OCR, without those reused", registry=registry)
        self.encoded = Counter(
            "glimpsed_encoded_texts", "Texts encoded, without those reused", ["encoder"], registry=registry
        )
        self.batches = Counter("glimpsed_batches", "Batches that encoders made", ["encoder"], registry=registry)
        self.tokens = Counter("glimpsed_batch_tokens", "Tokens of texts in them", ["encoder"], registry=registry)
        self.padding = Counter(
            "glimpsed_batch_padding_tokens", "Tokens that only filled shorter texts up", ["encoder"], registry=registry
        )
        self.cache = Counter(
            "glimpsed_cache_lookups", "Whether what was made before could be used", ["cache", "outcome"],
            registry=registry,
        )  # fmt: skip
        self.committed = Counter("glimpsed_committed_rows", "Rows committed", registry=registry)
        self.commits = Counter("glimpsed_commits", "Commits made", registry=registry)
        self.searches = Counter("glimpsed_searches", "Searches answered", registry=registry)
        self.search_seconds = Histogram(
            "glimpsed_search_seconds", "Time to answer a search", registry=registry, buckets=_SEARCHES
        )
        self.stage = Histogram(
            "glimpsed_stage_seconds", "Time that a stage took", ["stage"], registry=registry, buckets=_STAGES
        )
        for stage in ("settle", "read", "encode", "commit", "ocr", "search"):
            self.stage.labels(stage)  # they are there, with zero, before the first picture is

    def _measure_queues(self) -> None:
        registry = self.registry
        self.depth = Gauge("glimpsed_queue_depth", "What waits in a queue", ["queue"], registry=registry)
        self.bound = Gauge("glimpsed_queue_bound", "What may wait in it at most", ["queue"], registry=registry)
        self.folders = Gauge("glimpsed_folders", "Folders by state", ["state"], registry=registry)
        self.watches = Gauge("glimpsed_watches", "inotify watches held", registry=registry)
        self.watches_limit = Gauge("glimpsed_watches_limit", "inotify watches this user may have", registry=registry)
        self.lost = Counter("glimpsed_events_lost", "Times that events were lost and a scan made", registry=registry)
        self.scans = Counter("glimpsed_scans", "Scans finished", registry=registry)

    def _measure_the_rest(self) -> None:
        registry = self.registry
        self.rows = Gauge("glimpsed_table_rows", "Rows of the table", registry=registry)
        self.fragments = Gauge("glimpsed_table_fragments", "Pieces that it lies in", registry=registry)
        self.versions = Gauge("glimpsed_table_versions", "Versions of it that are kept", registry=registry)
        self.files = Gauge("glimpsed_table_files", "Its files", registry=registry)
        self.bytes = Gauge("glimpsed_table_bytes", "Bytes of its files", registry=registry)
        self.processes = Gauge("glimpsed_processes", "Processes by role", ["role"], registry=registry)
        self.resident = Gauge("glimpsed_resident_bytes", "Memory that they hold", ["role"], registry=registry)
        self.crashes = Counter("glimpsed_worker_crashes", "Workers that died or hung", registry=registry)

    def looked_up(self, cache: str, *, hits: int, misses: int) -> None:
        """Count whether what was made before could be used."""
        self.cache.labels(cache, "hit").inc(hits)
        self.cache.labels(cache, "miss").inc(misses)

    def bring_up(self, counter: Counter, value: float, *labels: str) -> None:
        """Count on to what somebody else has counted."""
        key = (counter, *labels)
        counter.labels(*labels).inc(max(0.0, value - self._reached.get(key, 0.0)))
        self._reached[key] = max(value, self._reached.get(key, 0.0))

    @staticmethod
    def show(gauge: Gauge, values: Mapping[str, float]) -> None:
        """Set a gauge by its one label; what is not named any more is gone."""
        gauge.clear()
        for label, value in values.items():
            gauge.labels(label).set(value)

    def text(self) -> bytes:
        """All of it in the Prometheus text format 0.0.4."""
        return generate_latest(self.registry)
