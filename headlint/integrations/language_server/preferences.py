"""The settings that hold for a document: those of the configuration files, and over them what the editor sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headlint.run.configuration import load_settings, with_overrides
from headlint.selection.baseline import read_baseline
from headlint.settings import ConfigurationError, Settings
from headlint.source.project import find_root

WHERE = "the editor's settings for headlint"


class Preferences:
    """Reads settings once for each folder, until it is told that they may have changed.

    While a configuration is broken the one before it holds, and ``complain`` hears of it once.
    """

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._complaints: set[str] = set()
        self._editor: dict[Path | None, Mapping[str, Any]] = {}
        self._known: dict[tuple[Path, Path], Settings] = {}
        self._last_good: dict[tuple[Path, Path], Settings] = {}

    def set_by_editor(self, options: object, folder: Path | None = None) -> None:
        """Take over the editor's section ``headlint``, for one folder of the workspace or for all."""
        self._editor[folder] = (
            {key: value for key, value in options.items() if value is not None} if isinstance(options, Mapping) else {}
        )
        self.forget()

    def forget(self) -> None:
        """Read everything anew when it is next needed."""
        self._known.clear()

    def settings_for(self, path: Path, folder: Path) -> Settings:
        """The settings for a file in a folder of the workspace."""
        key = (path.parent, folder)
        if key not in self._known:
            try:
                self._known[key] = self._last_good[key] = self._read(path, folder)
                self._complaints.clear()
            except ConfigurationError as error:
                self._known[key] = self._last_good.get(key, Settings(root=find_root([path])))
                if str(error) not in self._complaints:
                    self._complaints.add(str(error))
                    self._complain(str(error))
        return self._known[key]

    def _read(self, path: Path, folder: Path) -> Settings:
        options = dict(self._editor.get(folder, self._editor.get(None, {})))
        config = options.pop("config", None)
        if config is not None and not isinstance(config, str):
            raise ConfigurationError(f"{WHERE}: config must be the path of a file")
        settings = with_overrides(load_settings(path, folder / config if config else None), WHERE, options)
        if settings.baseline:
            read_baseline(settings.root / settings.baseline)  # raises where every check would
        return replace(settings, jobs=1)
