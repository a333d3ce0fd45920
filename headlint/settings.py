"""What the user may decide. Reading it from files is the business of ``headlint.run.configuration``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

EXPECTATIONS = ("logits", "probabilities", "log-probabilities", "binary-logits", "binary-probabilities", "values")
"""What a loss declared by the user may expect; ``values`` is a regression loss."""

OUTPUTS = ("logits", "softmax", "sigmoid", "log-softmax", "same", "unknown")
"""What a layer declared by the user may give; ``same`` passes its input on unchanged in meaning."""


class ConfigurationError(Exception):
    """The settings make no sense; the message names the file and the key, in one line."""


@dataclass(frozen=True)
class Settings:
    """Everything that steers a run. The defaults are those of a project without any configuration."""

    root: Path = field(default_factory=Path.cwd)
    """The project's folder: patterns are relative to it and imports are resolved below it."""
    select: tuple[str, ...] = ()
    """Codes, prefixes or names to report; empty means every rule that is on by default."""
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = ()
    """gitignore patterns, beside the project's own .gitignore files."""
    fail_on: str = "warning"
    keras_backend: str = ""
    """``tensorflow``, ``torch`` or ``jax``; empty when the project does not say."""
    torch_version: str = ""
    """The oldest torch the project supports, for example ``2.1``; empty when the project does not say."""
    losses: tuple[tuple[str, str], ...] = ()
    """The user's own losses: dotted name and what it expects (one of EXPECTATIONS)."""
    layers: tuple[tuple[str, str], ...] = ()
    """The user's own layers: dotted name and what they give (one of OUTPUTS)."""
    jobs: int = 0
    """Processes; 0 means as many as the work is worth."""
    noqa: bool = True
    """Whether ``# noqa`` switches findings off; not where another program looks after that."""
    baseline: str = ""
    """The file with the findings that are known and not reported, relative to the root; empty when there is none."""
    diff_base: str = ""
    """The revision since which lines must have been changed for findings on them to be reported; empty to report all."""
    cache: bool = True

    @property
    def declared(self) -> tuple[str, ...]:
        """The dotted names of the user's own losses and layers."""
        return tuple(path for path, _ in (*self.losses, *self.layers))
