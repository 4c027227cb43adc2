"""Lifetime value on real purchases: expected against spent in held-out months."""
