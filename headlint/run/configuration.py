"""Reading the settings from ``headlint.toml`` or ``pyproject.toml``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headlint.settings import EXPECTATIONS, OUTPUTS, ConfigurationError, Settings
from headlint.source.project import find_root
from headlint.spelling import nearest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

FILES = ("headlint.toml", "pyproject.toml")


def load_settings(start: Path, config: Path | None = None, isolated: bool = False) -> Settings:
    """The settings that hold for a path: those of the nearest file above it, or of ``config``, or none if isolated.

    Raises:
        ConfigurationError: a file cannot be read, or says something that is not known.
    """
    root = find_root([start])
    if isolated:
        return Settings(root=root)
    if config is not None:
        table = _table(config)
        if table is None:
            raise ConfigurationError(f"{config}: has no [tool.headlint]")
        return _settings(config, table)
    folder = Path(os.path.abspath(start))
    for parent in (folder, *folder.parents):
        for name in FILES:
            file = parent / name
            if file.is_file() and (table := _table(file)) is not None:
                return _settings(file, table)
    return Settings(root=root)


def _table(file: Path) -> Mapping[str, Any] | None:
    """The part of a file that speaks to headlint, or None."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not valid UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        if file.name == "pyproject.toml" and "headlint" not in file.read_text(encoding="utf-8"):
            return None
        raise ConfigurationError(f"{file}: {error}") from None
    if file.name != "pyproject.toml":
        return dict(content)
    tools = content.get("tool")
    table = tools.get("headlint") if isinstance(tools, dict) else None
    return table if isinstance(table, dict) else None


def with_overrides(settings: Settings, where: str, table: Mapping[str, Any]) -> Settings:
    """The settings with those keys changed that another program sets; ``where`` says which in messages.

    Raises:
        ConfigurationError: the table says something that is not known.
    """
    return replace(settings, **_values(where, table))


def _settings(file: Path, table: Mapping[str, Any]) -> Settings:
    return Settings(root=file.absolute().parent, **_values(str(file), table))


def _values(where: str, table: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            raise ConfigurationError(f"{where}: unknown key {key!r}{_nearest(key, _KEYS)}")
        values[key.replace("-", "_")] = _KEYS[key](f"{where}: {key}", value)
    return values


def _nearest(text: str, known: Any) -> str:
    close = nearest(text, known)
    return f"; did you mean {close!r}?" if close else ""


def _texts(where: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigurationError(f"{where} must be a list of strings")
    return tuple(value)


def _selectors(where: str, value: Any) -> tuple[str, ...]:
    from headlint.findings.rulebook import known_selectors, nearest_rule

    texts = _texts(where, value)
    known = known_selectors()
    for text in texts:
        if text not in known and text.upper() not in known:
            nearest = nearest_rule(text)
            raise ConfigurationError(
                f"{where}: there is no rule {text!r}{f'; did you mean {nearest!r}?' if nearest else ''}"
            )
    return texts


def _per_file(where: str, value: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a table of patterns and lists of rules")
    return tuple((pattern, _selectors(f"{where}.{pattern!r}", rules)) for pattern, rules in value.items())


def _one_of(*allowed: str) -> Callable[[str, Any], str]:
    def check(where: str, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            hint = _nearest(value, allowed) if isinstance(value, str) else ""
            raise ConfigurationError(f"{where} must be one of {', '.join(allowed)}{hint}")
        return value

    return check


def _version(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value.replace(".", "").isdigit():
        raise ConfigurationError(f'{where} must be a version such as "2.1"')
    return value


def _file(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{where} must be the name of a file")
    return value


def _count(where: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigurationError(f"{where} must be a whole number, 0 or more")
    return value


def _flag(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where} must be true or false")
    return value


def _declarations(word: str, allowed: tuple[str, ...]) -> Callable[[str, Any], tuple[tuple[str, str], ...]]:
    check_word = _one_of(*allowed)

    def check(where: str, value: Any) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, dict):
            raise ConfigurationError(f'{where} must be a table such as "mylib.Name" = {{ {word} = "{allowed[0]}" }}')
        found: list[tuple[str, str]] = []
        for name, entry in value.items():
            if not isinstance(entry, dict) or set(entry) != {word}:
                raise ConfigurationError(f'{where}."{name}" must be {{ {word} = "{allowed[0]}" }}')
            found.append((name, check_word(f'{where}."{name}".{word}', entry[word])))
        return tuple(found)

    return check


_KEYS: dict[str, Callable[[str, Any], Any]] = {
    "select": _selectors,
    "extend-select": _selectors,
    "ignore": _selectors,
    "per-file-ignores": _per_file,
    "exclude": _texts,
    "baseline": _file,
    "fail-on": _one_of("error", "warning", "advice"),
    "keras-backend": _one_of("tensorflow", "torch", "jax"),
    "torch-version": _version,
    "losses": _declarations("expects", EXPECTATIONS),
    "layers": _declarations("gives", OUTPUTS),
    "jobs": _count,
    "cache": _flag,
}
