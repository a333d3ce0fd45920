"""How much of a program is interpreted: what every part of it may cost."""

from __future__ import annotations

MOST_STEPS = 150_000
"""Expressions and statements that are interpreted for one file before headlint gives up on the rest of it."""

LEAST_STEPS_OF_A_STATEMENT = 100
"""Those that each statement of a file's top level may take, however many were spent before it: enough to define something."""

LEAST_STEPS_FOR_ROOTS = 75_000
"""Those that are left, in any case, for the functions and classes that the top level of the file does not use."""

MOST_STEPS_OF_A_ROOT = 12_000
"""Those that a function nothing calls may take: libraries of models have hundreds of such functions, all alike."""

SHARE_OF_OPTIONS = 2
"""As which part of a file's steps may be spent, beside these, on what only other options than the defaults lead to."""

SHARE_OF_ONE_OPTION = 8
"""Which part of these one option may take."""

TIMES_FOR_TRAINING = 4
"""How many times as many it may take in a file that computes gradients: few do, and one loop reaches most of a program."""

ROOTS_IN_A_CLASS = 2
"""As how many of them a class that nothing uses counts with all its methods: a costly constructor leaves them some."""

MOST_STEPS_OF_AN_IMPORT = 3_000
"""Those that one statement of a module may take when another imports it: some build their documentation then."""

STEPS_PER_COMBINATION = 8
"""What going through one combination of alternatives costs, in steps."""

DEEPEST_CALL = 24
"""Calls within calls that are followed."""


class BudgetSpent(Exception):
    """The file needs more steps than it may have."""
