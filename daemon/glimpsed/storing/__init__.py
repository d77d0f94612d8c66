"""The table: one LanceDB table, a row a path, with one writer."""
