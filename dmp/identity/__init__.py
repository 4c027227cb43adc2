"""From records and identifiers to lasting profiles."""
