"""The lake and the one way into it."""
