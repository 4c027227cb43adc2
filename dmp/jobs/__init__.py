"""Notebooks as jobs: run, record, repeat."""
