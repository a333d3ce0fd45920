"""Abstract values: what the interpreter knows of a Python object, a tensor, a layer; and the facts it notes."""
