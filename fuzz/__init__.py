"""Fuzzing of what reads other people's bytes: `make fuzz SECONDS=600`."""
