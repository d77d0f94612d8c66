"""What is counted, for `/metrics`: one registry a daemon, so that two in one process do not add up."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The daemon's counters. Names are part of the interface."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.encoded = Counter(
            "glimpsed_encoded_texts", "Texts encoded, without those reused", ["encoder"], registry=self.registry
        )
        self.ocr = Counter("glimpsed_ocr", "Pictures given to OCR, without those reused", registry=self.registry)
        self.read = Counter("glimpsed_read", "Pictures read from the disk", ["outcome"], registry=self.registry)
        self.committed = Counter("glimpsed_committed_rows", "Rows committed", registry=self.registry)
        self.commits = Counter("glimpsed_commits", "Commits made", registry=self.registry)
        self.scans = Counter("glimpsed_scans", "Scans finished", registry=self.registry)
        self.lost = Counter(
            "glimpsed_events_lost", "Times that events were lost and a scan made", registry=self.registry
        )
        self.searches = Counter("glimpsed_searches", "Searches answered", registry=self.registry)
        self.search_seconds = Histogram(
            "glimpsed_search_seconds",
            "Time to answer a search",
            registry=self.registry,
            buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
        )
        self.pictures = Gauge("glimpsed_pictures", "Rows by state", ["state"], registry=self.registry)
        self.waiting = Gauge("glimpsed_waiting", "Hints that are not rows yet", registry=self.registry)

    def text(self) -> bytes:
        """All of it in the Prometheus text format 0.0.4."""
        return generate_latest(self.registry)
