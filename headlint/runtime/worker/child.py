"""One request answered, in a process of its own: loads the program, finds out how to make the model, measures it."""

from __future__ import annotations

import heapq
import itertools
import platform
import re
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .measuring.framework import Adapter, adapter_for
from .measuring.measurement import Measured
from .measuring.places import is_further, lines_of
from .program.absent import read_without_files
from .program.building import Recipe, make, recipes
from .program.commandline import without_command_line
from .program.discovery import discover
from .program.loading import Program, Slice
from .program.old_libraries import NEEDS_LOADER, accept_old_numpy, accept_old_yaml
from .program.old_python import Older, is_divided
from .program.sources import parse, read_source
from .program.standins import GUESSED
from .reasons import TooLarge, Unmeasurable, describe, out_of_memory
from .request import Request, read_request

MOST_TOLD = 20
"""Entries of a list in a reply that tells what was left out."""

MOST_TO_BUILD_AGAIN = 30_000_000
"""Parameters of a model up to which it is built once more, together with its optimizers."""

MOST_GUESSES = 120
"""Other guesses for the arguments of one model."""

MOST_AFTER_BUILDING = 4
"""Other guesses where a model was built that takes no inputs: each costs a search for inputs."""

GOT_A_FRACTION = re.compile(r"\bfloat\b.*(integer|\bints?\b)|(integer|\bints?\b).*\bfloat\b|must be integers")
"""What is said where a whole number is wanted."""

WITHOUT_BASE = ("object.__init__() takes exactly one argument", "isinstance() arg 2 must be a type")
"""What Python says where a class, or the base of one, has a stand-in."""

STAGES = ("arguments", "constructor", "missing-dependency", "import", "data", "not-a-model", "inputs", "output")
"""Reasons in the order in which a try can fail: the later, the further it came."""


Early = Callable[[dict[str, Any]], None]
"""Takes a reply that holds until a better one comes."""


def handle(message: Mapping[str, Any], early: Early = lambda reply: None) -> dict[str, Any]:
    """The reply to a request. Whatever the user's program raises ends as a reply with a reason."""
    number = message.get("id")
    try:
        if message.get("plan"):
            return {
                "id": number,
                "ok": True,
                "device": adapter_for(message["framework"], message.get("adapter") or "").plan(message["device"]),
            }
        if message.get("list"):
            return {"id": number, "ok": True, "names": discover(parse(read_request(message).path))}
        return {"id": number, **answer(read_request(message), message.get("guards") or [], early)}
    except BaseException as error:  # user code may raise anything, SystemExit included
        reason, detail = reason_of(error)
        return {"id": number, "ok": False, "reason": reason, "detail": detail, "left_out": [], "stubs": []}


def answer(request: Request, guards: list[str], early: Early = lambda reply: None) -> dict[str, Any]:
    """The facts about a model, or why there are none."""
    started = time.perf_counter()
    program = Program(request.root, request.path)
    module: Slice | None = None
    try:
        adapter = adapter_for(request.framework, request.adapter)
        with warnings.catch_warnings(), without_command_line(request.path):
            warnings.simplefilter("ignore")
            adapter.prepare(request, program)
            accept_old_numpy()
            module = program.load()
            name = model_named(request)
            told = Told(request, program, module, name, adapter.versions(), guards, started)
            try:
                recipe, measured = best(program, module, name, request, adapter, lambda *one: early(told.reply(*one)))
            except Unmeasurable as failure:
                if not relax(failure, request, program):
                    raise
                module = program.reload(module)
                told = replace(told, module=module)
                recipe, measured = once_more(failure, program, module, name, request, adapter)
    except BaseException as error:  # user code may raise anything, SystemExit included
        reason, detail = missing_base(*reason_of(error), program)
        return {
            "ok": False, "reason": reason, "detail": detail, "left_out": left_out(module), "stubs": stubs(program)
        }  # fmt: skip
    reply = told.reply(recipe, measured)
    small = measured.parameters < MOST_TO_BUILD_AGAIN and request.seconds_left > 0
    reply["facts"]["optimizers"] = (
        adapter.optimizers(program.reload(module), name, measured.step, recipe) if small else []
    )
    return reply


def relax(failure: Unmeasurable, request: Request, program: Program) -> bool:
    """Lets what stopped the program pass the next time, where it is a file of data that is not there, a quotient that is
    whole in Python 2, or an argument that a library could do without; whether it is."""
    if request.seconds_left < 0:
        return False
    if NEEDS_LOADER in failure.detail or any(NEEDS_LOADER in one for one in program.stubs):
        program.stubs[:] = [one for one in program.stubs if NEEDS_LOADER not in one]
        accept_old_yaml()
        return True
    if failure.reason == "data":
        read_without_files()
        return True
    if GOT_A_FRACTION.search(failure.detail) and is_divided(read_source(request.path)):
        Older.divides_whole = True
        GUESSED.append("quotients are whole, as in Python 2")
        return True
    return False


def once_more(
    failure: Unmeasurable, program: Program, module: Slice, name: str, request: Request, adapter: Adapter
) -> tuple[Recipe, Measured]:
    """The first recipe that can be measured now, with what was measured.

    Raises:
        Unmeasurable: none can; what was raised the first time.
    """
    try:
        return best(program, module, name, request, adapter)
    except Unmeasurable:
        raise failure from None


@dataclass(frozen=True)
class Told:
    """What the reply about a model says whatever was measured."""

    request: Request
    program: Program
    module: Slice
    name: str
    versions: Mapping[str, str]
    guards: list[str]
    started: float

    def reply(self, recipe: Recipe, measured: Measured) -> dict[str, Any]:
        """The reply."""
        basis = {
            "name": self.name,
            "init": recipe.init,
            "origin": recipe.origin,
            "inputs": list(measured.inputs),
            "input_origin": measured.input_origin,
            "modes": list(measured.modes),
            "draws": measured.draws,
            "assumed": list(dict.fromkeys([*recipe.assumed, *GUESSED, *measured.assumed])),
            "stubs": stubs(self.program),
            "left_out": left_out(self.module),
            "device": measured.device,
            "versions": {"python": platform.python_version(), **self.versions},
            "guards": list(self.guards),
        }
        facts = {
            "framework": self.request.framework or "torch",
            "basis": basis,
            "parameters": measured.parameters,
            "layers": measured.layers,
            "outputs": measured.outputs,
            "loss": measured.loss,
            "training": measured.training,
            "optimizers": [],
            "suspects": measured.suspects.reply() if measured.suspects is not None else None,
            "slopes": measured.slopes.reply() if measured.slopes is not None else None,
            "seconds": {**measured.seconds, "total": round(time.perf_counter() - self.started, 3)},
            "peak_bytes": peak_bytes(),
        }
        return {"ok": True, "facts": facts}


def model_named(request: Request) -> str:
    """The model that is asked for: without a name the first of the file, by the name of a function that
    has one model of its own that one.

    Raises:
        Unmeasurable: the file defines none.
    """
    names = discover(parse(request.path))
    if not request.name and not names:
        raise Unmeasurable("not-found", f"{request.path.name} defines no model")
    if not request.name or request.name in names:
        return request.name or names[0]
    inside = [name for name in names if name.startswith(f"{request.name}.")]
    return inside[0] if len(inside) == 1 else request.name


def best(
    program: Program,
    module: Slice,
    name: str,
    request: Request,
    adapter: Adapter,
    early: Callable[[Recipe, Measured], None] = lambda recipe, measured: None,
) -> tuple[Recipe, Measured]:
    """The first recipe that can be measured, with what was measured.

    Raises:
        Unmeasurable: none can; the error of the try that came furthest.
    """

    def measure(recipe: Recipe) -> Measured:
        return adapter.measure(recipe, module, replace(request, early=partial(early, recipe)))

    failures: list[Unmeasurable] = []
    tried: list[tuple[Recipe, Unmeasurable]] = []
    for recipe in recipes(program, module, name, request.init, adapter):
        if failures and request.seconds_left < 0:
            break
        if any(is_same_guess(one, recipe) for one, _ in tried):
            continue
        try:
            return recipe, measure(recipe)
        except Unmeasurable as failure:
            failures.append(failure)
            tried.append((recipe, failure))
    for recipe in with_other_guesses(tried, adapter, request, failures):
        try:
            return recipe, measure(recipe)
        except Unmeasurable as failure:
            failures.append(failure)
    if not failures:
        raise Unmeasurable("arguments", f"nothing tells what {name} is called with")
    raise max(failures, key=lambda failure: STAGES.index(failure.reason) if failure.reason in STAGES else len(STAGES))


def is_same_guess(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes are the same guess, of which the text of the call says everything."""
    guessed = one.origin == other.origin == "guess"
    return guessed and one.init == other.init and "<" not in one.init and "options(" not in one.init


def with_other_guesses(
    tried: list[tuple[Recipe, Unmeasurable]], adapter: Adapter, request: Request, failures: list[Unmeasurable]
) -> Iterator[Recipe]:
    """The recipes that build a model after all, found by changing one guess after the other by what the last try raised.
    What came further than all before goes to the front of ``failures``.

    A change after which the same line raises the same is none that led on.
    """
    order = itertools.count()
    waiting: list[tuple[bool, bool, int, int, Iterator[Recipe]]] = []
    seen: set[tuple[object, str]] = set()
    furthest: list[tuple[str, int]] = []

    def wait(recipe: Recipe, failure: Unmeasurable, depth: int) -> None:
        error, built = failure.__cause__, failure.reason == "inputs"
        if error is not None and (where := failed_at(error)) not in seen:
            seen.add(where)
            if is_further(lines := lines_of(error), furthest):
                furthest[:] = lines
                depth += 1
                failures.insert(0, failure)
            for usual in (False, True):
                others = itertools.islice(recipe.otherwise(error, usual), MOST_AFTER_BUILDING if built else None)
                heapq.heappush(waiting, (built, usual, -depth, next(order), others))

    for recipe, failure in tried:
        wait(recipe, failure, 0)
    for _ in range(MOST_GUESSES):
        while waiting and (other := next(waiting[0][-1], None)) is None:
            heapq.heappop(waiting)
        if not waiting or other is None or request.seconds_left < 0:
            return
        depth = -waiting[0][2] + other.near
        try:
            with adapter.placed():
                make(other, adapter)
        except Unmeasurable as failure:
            wait(other, failure, depth)
        else:
            yield other


def failed_at(error: BaseException) -> tuple[object, str]:
    """The lines outside of the worker that an error went through, and what it says without its numbers."""
    return tuple(lines_of(error)), re.sub(r"\d+", "", describe(error))


def reason_of(error: BaseException) -> tuple[str, str]:
    """The reason and detail of a reply for an error."""
    match error:
        case Unmeasurable(reason=reason, detail=detail):
            return "memory" if out_of_memory(detail) else reason, detail
        case TooLarge():
            return "too-large", f"{error}; --device meta computes its shapes"
        case SystemExit():
            return "exit", describe(error)
        case MemoryError():
            return "memory", describe(error)
        case Exception():
            place = traceback.extract_tb(error.__traceback__)[-1]
            return "internal", f"{describe(error)} ({place.filename.rpartition('/')[2]}:{place.lineno})"
    return "exit", f"it raised {describe(error)}"


def missing_base(reason: str, detail: str, program: Program) -> tuple[str, str]:
    """The reason and detail of a failure, where a class was left without its base because a package is missing."""
    missing = [stub for stub in program.stubs if "is not installed" in stub]
    if reason == "constructor" and missing and any(text in detail for text in WITHOUT_BASE):
        return "missing-dependency", f"{missing[0]} ({detail})"
    return reason, detail


def left_out(module: Slice | None) -> list[str]:
    """The statements of the model's file that were not executed."""
    return module.namespace.left_out()[:MOST_TOLD] if module is not None else []


def stubs(program: Program) -> list[str]:
    """What was replaced, each once."""
    return list(dict.fromkeys(program.stubs))[:MOST_TOLD]


def peak_bytes() -> int:
    """The most memory that this process held at once; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
