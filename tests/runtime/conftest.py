"""The workers that the tests of this folder share: importing a framework takes longer than building a model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headlint.runtime.confirm import Workers
from headlint.runtime.options import Wanted


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Workers with much time."""
    with Workers(Wanted(seconds=60.0)) as started:
        yield started


@pytest.fixture(scope="session")
def keras_on_torch() -> Iterator[Workers]:
    """The same for Keras on torch."""
    with Workers(Wanted(seconds=60.0, keras_backend="torch")) as started:
        yield started


@pytest.fixture(scope="session")
def narrow() -> Iterator[Workers]:
    """Workers for which a model of a thousand parameters is too large."""
    with Workers(Wanted(seconds=60.0, parameters=1000)) as started:
        yield started
