"""From a question to hits: query, candidates, coverage, rank, why, search."""
