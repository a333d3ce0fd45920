"""The user's program: what of it is loaded, which models it defines, and how they are made. Knows no framework."""
