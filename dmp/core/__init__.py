"""Ground that everything stands on; imports nothing of dmp."""
