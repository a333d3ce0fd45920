"""What a child denies itself before the user's code runs. Linux offers most of it; what was not possible is told.

Sources: landlock(7), prctl(2), unshare(2), getrlimit(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVILEGES = 1, 36, 38
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_VERSION_FLAG = 1
LANDLOCK_PATH_BENEATH = 1
WRITES = 0b1_1111_1111_0010
"""Landlock's rights to write, remove and make files and folders (execute and read are left alone)."""
REFER, TRUNCATE = 1 << 13, 1 << 14
TCP = 0b11
LARGEST_FILE = 512 * 1024 * 1024
"""Bytes of the largest file that a model may write."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _library() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Ask the system to kill this process when its parent goes."""
    library = _library()
    if library is not None:
        library.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> bool:
    """Become the parent of every descendant that loses its own, so that none can hide. Whether that holds."""
    library = _library()
    return library is not None and library.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def enter(folder: Path, home: Path, memory: int) -> list[str]:
    """Close what can be closed around this process, for good; gives the names of the guards that hold.

    ``folder`` is the only place where files may be written, ``home`` where the program's own files lie, and ``memory``
    the bytes of data that may be claimed.
    """
    guards = ["time", "memory", "processes", "output"]
    _limit_resources(memory)
    library = _library()
    if library is not None:
        library.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        if _leave_network(library):
            guards.append("network")
        files, sockets = _restrict_files(library, folder)
        if files:
            guards.append("files")
        if sockets and "network" not in guards:
            guards.append("network (TCP)")
    # The program may read what lies beside it; where it could also write there, it works in the private folder.
    os.chdir(home if "files" in guards else folder)
    return guards


def _limit_resources(memory: int) -> None:
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: LARGEST_FILE}
    claimed = _claimed_bytes()
    if sys.platform == "linux" and claimed:
        limits[resource.RLIMIT_DATA] = claimed + memory
    for kind, value in limits.items():
        _, hardest = resource.getrlimit(kind)
        if hardest == resource.RLIM_INFINITY or value < hardest:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, value))


def _claimed_bytes() -> int:
    """Bytes of data that this process has already claimed; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)


def _leave_network(library: ctypes.CDLL) -> bool:
    """Move to a network of one's own, without any connection. Whether that worked."""
    if library.unshare(NEW_NETWORK) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    if library.unshare(NEW_USER | NEW_NETWORK) != 0:
        return False
    for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError):
            Path(f"/proc/self/{file}").write_text(text, encoding="ascii")
    return True


def _restrict_files(library: ctypes.CDLL, folder: Path) -> tuple[bool, bool]:
    """Deny writing outside ``folder`` and connections over TCP by Landlock. Whether each holds."""
    version = library.syscall(LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION_FLAG)
    if version < 1:
        return False, False
    rights = WRITES | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    ruleset = _Ruleset(rights, TCP if version >= 4 else 0)
    size = ctypes.sizeof(ruleset) if version >= 4 else ctypes.sizeof(ctypes.c_uint64)
    descriptor = library.syscall(LANDLOCK_CREATE, ctypes.byref(ruleset), size, 0)
    if descriptor < 0:
        return False, False
    try:
        for allowed in (str(folder), "/dev"):
            _allow(library, descriptor, allowed, rights)
        held = library.syscall(LANDLOCK_RESTRICT, descriptor, 0) == 0
    finally:
        os.close(descriptor)
    return held, held and version >= 4


def _allow(library: ctypes.CDLL, ruleset: int, folder: str, rights: int) -> None:
    descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _Beneath(rights, descriptor)
        library.syscall(LANDLOCK_ADD, ruleset, LANDLOCK_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)
