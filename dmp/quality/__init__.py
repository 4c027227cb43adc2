"""Checks of data quality: queries with a bound, results over time, alerts."""
