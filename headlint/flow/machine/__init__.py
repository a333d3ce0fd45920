"""The abstract machine: its state, its call stack, its budget, and what it asks the other rooms for."""
