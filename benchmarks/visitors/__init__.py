"""Anonymous visitors and the people they are, on generated truth."""
