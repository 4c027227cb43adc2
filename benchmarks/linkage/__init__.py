"""How well people are linked, beside Splink's documented recipe."""
