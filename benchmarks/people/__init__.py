"""Accuracy on labelled people."""
