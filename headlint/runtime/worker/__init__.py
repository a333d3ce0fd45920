"""The part that runs under the user's interpreter: the standard library and the framework, nothing else.

It must not import the analysis, libcst or any other dependency of headlint: they need not be installed there.
"""
