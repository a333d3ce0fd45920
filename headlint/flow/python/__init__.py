"""What Python's expressions, statements, attributes and calls do to abstract values."""
