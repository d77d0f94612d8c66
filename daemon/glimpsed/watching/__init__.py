"""What changed on disk: events as hints, settling, and the scan that finds what no event told."""
