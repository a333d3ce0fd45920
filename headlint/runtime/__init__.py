"""Building the real model in a child process and measuring it.

Nothing here runs unless the user asks for it with ``headlint confirm`` or ``headlint check --confirm``.
"""
