"""Keeping a live Keras model as it was: whatever is done within leaves no trace."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy

_PLAIN = (int, float, str, bool, type(None))


@contextmanager
def preserved(model: Any, optimizer: Any = None) -> Iterator[None]:
    """Afterwards the variables, the plain attributes of the layers and the random states are as before.

    A model that was not built stays built: the shapes of its weights cannot be taken back.
    """
    built = model.built
    values = [(one, numpy.array(keras.ops.convert_to_numpy(one.value))) for one in _variables(model, optimizer)]
    layers = list(model._flatten_layers())
    attributes = [
        (layer, {name: value for name, value in vars(layer).items() if isinstance(value, _PLAIN)}) for layer in layers
    ]
    python, own = random.getstate(), numpy.random.get_state()
    seed = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
    seed_value = numpy.array(keras.ops.convert_to_numpy(seed.state.value)) if seed is not None else None
    try:
        yield
    finally:
        for variable, value in values:
            variable.assign(value)
        if built:
            for layer, kept in attributes:
                vars(layer).update(kept)
        random.setstate(python)
        numpy.random.set_state(own)
        if seed is not None:
            seed.state.assign(seed_value)
        else:
            keras.src.backend.common.global_state.set_global_attribute("global_seed_generator", None)


def _variables(model: Any, optimizer: Any) -> list[Any]:
    """Every variable of the model (those of its random layers too), its metrics and its optimizer."""
    found = list(model.variables) + list(getattr(model, "metrics_variables", ()))
    found += list(optimizer.variables) if optimizer is not None else []
    return list({id(one): one for one in found}.values())
