"""The baseline: a file with the findings that a project knows and has not fixed yet. They are not reported; new ones are.

A finding is recognised by its fingerprint and not by its line. The file is kept in the repository: it is sorted, and has
a line for each finding, so that a change of it can be read and two changes can be merged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from headlint.findings.finding import Entry, Finding
from headlint.findings.fingerprint import TextOf, fingerprints, source_of
from headlint.settings import ConfigurationError
from headlint.source.writing import write_atomically

VERSION = 1
"""Changes when a fingerprint is made in another way, or a field changes its meaning."""

LONGEST_TEXT = 100
"""Characters of the source that an entry shows to those who review it."""


class Baseline(Struct, frozen=True, dict=True):
    """The entries of a baseline and the file that they stand in."""

    file: Path
    entries: tuple[Entry, ...] = ()

    @cached_property
    def fingerprints(self) -> frozenset[str]:
        """What the known findings go by."""
        return frozenset(entry.fingerprint for entry in self.entries)

    def fingerprints_of(self, findings: Sequence[Finding], text_of: TextOf) -> list[str]:
        """What findings go by in this baseline. All of a file are to be given at once: equal ones are numbered."""
        return fingerprints(findings, self._shown, text_of)

    def without(self, fingerprints: Iterable[str]) -> tuple[Entry, ...]:
        """The entries of all other findings than those of some fingerprints."""
        left_out = frozenset(fingerprints)
        return tuple(entry for entry in self.entries if entry.fingerprint not in left_out)

    def entries_of(self, findings: Sequence[Finding], text_of: TextOf) -> tuple[Entry, ...]:
        """The entries of findings, all of a file at once."""
        names = self.fingerprints_of(findings, text_of)
        return tuple(self._entry(finding, name, text_of) for finding, name in zip(findings, names, strict=True))

    def path_of(self, entry: Entry) -> Path:
        """The file that an entry is about."""
        return self._folder / entry.path

    def write(self, entries: Iterable[Entry]) -> None:
        """Put entries into the file, in place of what stands there.

        Raises:
            ConfigurationError: the system refuses it; the file is then as it was.
        """
        lines = ",\n".join(
            f"    {json.dumps(structs.asdict(entry), ensure_ascii=False)}" for entry in sorted(set(entries))
        )
        findings = f"[\n{lines}\n  ]" if lines else "[]"
        text = f'{{\n  "version": {VERSION},\n  "findings": {findings}\n}}\n'
        try:
            write_atomically(self.file, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise ConfigurationError(f"{self.file}: cannot be written: {error.strerror or error}") from None

    @cached_property
    def _folder(self) -> Path:
        return Path(os.path.realpath(self.file.parent))

    def _entry(self, finding: Finding, fingerprint: str, text_of: TextOf) -> Entry:
        text = " ".join(source_of(finding.place, text_of).split())
        shortened = text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
        path = self._shown(finding.place.path)
        return Entry(path, finding.code, finding.name, finding.model, shortened, fingerprint)

    def _shown(self, path: str) -> str:
        """A path as entries have it; that of a file on another drive stays absolute."""
        real = os.path.realpath(path)
        same_drive = os.path.splitdrive(real)[0] == self._folder.drive
        return (os.path.relpath(real, self._folder) if same_drive else real).replace(os.sep, "/")


def read_baseline(file: Path) -> Baseline:
    """The baseline that stands in a file.

    Raises:
        ConfigurationError: the file cannot be read, or holds something else.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"{file}: does not exist; `headlint baseline write` creates it") from None
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{file}:{error.lineno}:{error.colno}: is not a baseline: {error.msg}") from None
    except (UnicodeDecodeError, RecursionError):
        raise ConfigurationError(f"{file}: is not a baseline: it is not JSON") from None
    if not isinstance(content, dict) or not isinstance(content.get("findings"), list):
        raise ConfigurationError(f"{file}: is not a baseline: it has no list of findings")
    if content.get("version") != VERSION:
        raise ConfigurationError(f"{file}: was written by another version of headlint; write it again")
    return Baseline(file, tuple(_read_entry(file, number, one) for number, one in enumerate(content["findings"], 1)))


def _read_entry(file: Path, number: int, content: Any) -> Entry:
    fields = Entry.__struct_fields__
    if not isinstance(content, dict) or not all(isinstance(content.get(field), str) for field in fields):
        raise ConfigurationError(f"{file}: finding {number} must have {', '.join(fields)}")
    return Entry(*(content[field] for field in fields))
