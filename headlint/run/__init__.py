"""A run of the analysis: its configuration, its files, its results."""
