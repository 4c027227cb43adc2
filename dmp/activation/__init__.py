"""Segments out: destinations, ledger, sync."""
