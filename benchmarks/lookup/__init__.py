"""Who somebody is, asked one at a time and all at once."""
