"""Keras models: built, compiled and fitted."""
