"""Sources in: contracts, batch loads, replay, synthetic people."""
