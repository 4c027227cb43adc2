"""The door's speed and memory beside bare DuckDB: `python -m benchmarks.ingest`."""
