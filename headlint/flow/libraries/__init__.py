"""Calls into libraries: which of the other rooms answers for a dotted name."""
