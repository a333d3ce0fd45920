"""Texts of a project: read, parsed once, and kept between runs."""
