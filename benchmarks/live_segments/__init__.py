"""How many events a second the live evaluator of segments takes on one core."""
