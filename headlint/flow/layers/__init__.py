"""Layers, containers and losses of libraries as objects that are built and applied."""
