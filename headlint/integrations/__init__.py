"""Other programs that headlint speaks through."""
