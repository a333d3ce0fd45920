"""What a child denies itself before the user's code runs. Linux offers most of it; what was not possible is told.

Sources: landlock(7), prctl(2), unshare(2), user_namespaces(7), pid_namespaces(7), getrlimit(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVILEGES = 1, 36, 38
NEW_IPC, NEW_USER, NEW_PID, NEW_NETWORK = 0x08000000, 0x10000000, 0x20000000, 0x40000000
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_VERSION_FLAG = 1
LANDLOCK_PATH_BENEATH = 1
WRITE_FILE, REFER, TRUNCATE = 1 << 1, 1 << 13, 1 << 14
WRITES = 0b1_1111_1111_0010
"""Landlock's rights to write, remove and make files and folders (execute and read are left alone)."""
TCP = 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
LARGEST_FILE = 512 * 1024 * 1024
"""Bytes of the largest file that a model may write."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
"""Devices that may be written to; an accelerator needs its own, so with one all of ``/dev`` may be."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _library() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(wanted: bool = True) -> None:
    """Ask the system to kill this process when its parent goes, or no longer to do so."""
    library = _library()
    if library is not None:
        library.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL if wanted else 0, 0, 0, 0)


def adopt_orphans() -> bool:
    """Become the parent of every descendant that loses its own, so that none can hide. Whether that holds."""
    library = _library()
    return library is not None and library.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def enter(folder: Path, home: Path, memory: int, on_accelerator: bool) -> list[str]:
    """Close what can be closed around this process, for good; gives the names of the guards that hold.

    Where the system allows it the caller goes on as another process, in namespaces of its own: see ``_go_apart``.
    ``folder`` is the only place where files may be written, ``home`` where the program's own files lie, and ``memory``
    the bytes of data that may be claimed; an accelerator's driver claims more than it uses, so with one only what is
    resident is watched.
    """
    guards = ["time", "output"]
    if Path("/proc/self/status").exists():
        guards += ["memory", "processes"]
    _limit_resources(0 if on_accelerator else memory)
    library = _library()
    if library is not None:
        library.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        apart = _go_apart(library)
        version = _restrict(library, folder, ("/dev",) if on_accelerator else DEVICES)
        guards += ["files"] if version else []
        guards += ["network"] if apart else ["network (TCP only)"] if version >= 4 else []
        guards += ["signals"] if apart or version >= 6 else []
    # The program may read what lies beside it; where it could also write there, it works in the private folder.
    os.chdir(home if "files" in guards else folder)
    return guards


def _go_apart(library: ctypes.CDLL) -> bool:
    """Go on in a process that sees no other processes and no network. Whether that worked.

    Three processes come of one. The caller only waits for the model's process and ends as it does. The keeper is the
    first process of the namespace: when it ends, the system ends everything in there at once, however fast it forks.
    Only the third returns from here.
    """
    user, group = os.getuid(), os.getgid()
    alone = NEW_PID | NEW_NETWORK | NEW_IPC
    if library.unshare(NEW_USER | alone) == 0:
        for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with contextlib.suppress(OSError):
                Path(f"/proc/self/{file}").write_text(text, encoding="ascii")
    elif library.unshare(alone) != 0:
        return False
    keeper = os.fork()
    if keeper == 0:
        die_with_parent()
        while True:
            signal.pause()
    model = os.fork()
    if model:
        _, status = os.waitpid(model, 0)
        os.kill(keeper, signal.SIGKILL)
        _end_as(os.waitstatus_to_exitcode(status))
    die_with_parent()
    os.setsid()
    return True


def _end_as(status: int) -> NoReturn:
    """End this process as another one has ended: by the same signal, or with the same status."""
    if status < 0:
        with contextlib.suppress(OSError):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _limit_resources(memory: int) -> None:
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: LARGEST_FILE}
    claimed = _claimed_bytes()
    if sys.platform == "linux" and claimed and memory:
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


def _restrict(library: ctypes.CDLL, folder: Path, devices: tuple[str, ...]) -> int:
    """Deny writing outside ``folder``, TCP, and signals to other processes by Landlock, as far as the system knows them.

    Gives the version of Landlock that holds: files from 1, TCP from 4, signals from 6; 0 where there is none.
    """
    version: int = library.syscall(LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION_FLAG)
    if version < 1:
        return 0
    rights = WRITES | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    ruleset = _Ruleset(rights, TCP if version >= 4 else 0, ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0)
    size = ctypes.sizeof(ctypes.c_uint64) * (3 if version >= 6 else 2 if version >= 4 else 1)
    descriptor = library.syscall(LANDLOCK_CREATE, ctypes.byref(ruleset), size, 0)
    if descriptor < 0:
        return 0
    try:
        for allowed in (str(folder), *devices):
            _allow(library, descriptor, allowed, rights)
        held = library.syscall(LANDLOCK_RESTRICT, descriptor, 0) == 0
    finally:
        os.close(descriptor)
    return version if held else 0


def _allow(library: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _Beneath(rights if os.path.isdir(path) else rights & (WRITE_FILE | TRUNCATE), descriptor)
        library.syscall(LANDLOCK_ADD, ruleset, LANDLOCK_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)
