"""Keras' answers: building, inputs, a pass that is watched, losses."""
