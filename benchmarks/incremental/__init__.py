"""Resolving what is new, beside resolving everybody."""
