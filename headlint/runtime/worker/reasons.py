"""Why a model could not be measured: the closed list of reasons, and the exception that carries one."""

from __future__ import annotations

import re
import traceback

REASONS = {
    "syntax": "the file does not parse",
    "not-found": "no model of that name was found",
    "not-a-model": "what the name gives is not a model",
    "import": "an import that the model needs failed",
    "missing-dependency": "a package that the model needs is not installed",
    "framework": "the framework is not installed in this environment",
    "constructor": "the constructor raised an error",
    "arguments": "no arguments for the constructor were found",
    "data": "the model depends on data that only the script loads",
    "inputs": "no input was found that the model takes",
    "output": "the model gives no tensor",
    "too-large": "the model has more parameters than --max-params",
    "time": "it ran longer than --timeout",
    "memory": "it used more than --memory",
    "processes": "it started too many processes",
    "printed": "it printed too much",
    "exit": "it ended the process",
    "crash": "it crashed the process",
    "channel": "it wrote to the channel of the measurements, closed it, or changed what they are made with",
    "device": "the device is not available",
    "no-model": "the finding names no model that can be built",
    "not-measurable": "the rule is about something that the model alone does not show",
    "assumed": "it rests on a guess that the rule tests",
    "mixed": "the draws disagree",
    "gone": "headlint was ended meanwhile",
    "internal": "headlint itself failed",
}
"""Code and words of each reason."""


NOISE = re.compile(r"\x1b\[[0-9;]*m|\{\{function_node [^}]*\}\}|Arguments received by [\s\S]*$")
"""What Keras and TensorFlow put around what they say: colours, places in a graph, all the arguments once more."""


class Unmeasurable(Exception):
    """Building or measuring ended; ``reason`` is one of REASONS and ``detail`` says what happened."""

    def __init__(self, reason: str, detail: str = "") -> None:
        if reason not in REASONS:
            raise ValueError(f"unknown reason {reason!r}")
        super().__init__(detail or REASONS[reason])
        self.reason = reason
        self.detail = detail


class TooLarge(BaseException):
    """The model has more parameters than allowed; no ``except Exception`` on the way may take it for its own."""


def text_of(error: BaseException) -> str:
    """What an error says."""
    try:
        return str(error)
    except BaseException:  # a program's own error may raise anything when it is asked for its text
        return "its text cannot be read"


def describe(error: BaseException) -> str:
    """One line that names an error, short enough for a report."""
    words = " ".join(NOISE.sub(" ", text_of(error)).split())
    if not words and isinstance(error, AssertionError):
        words = failing_line(error)
    text = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."


def failing_line(error: BaseException) -> str:
    """The line of source in which an error was raised; empty where it is not known."""
    places = traceback.extract_tb(error.__traceback__)
    return (places[-1].line or "") if places else ""


def out_of_memory(detail: str) -> bool:
    """Whether an error, as ``describe`` tells it, says that there is no memory left."""
    return any(words in detail for words in ("MemoryError", "DefaultCPUAllocator", "out of memory", "OOM when allocat"))
