"""Text into vectors: the contract of encoders, the bundled fallback, BGE-M3, and the processes they live in."""
