"""How fast many people are linked, beside Splink's documented recipe."""
