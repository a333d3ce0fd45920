"""The half that headlint asks: tables, what calls do, and how models are built."""
