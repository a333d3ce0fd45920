"""Data sets and labels."""
