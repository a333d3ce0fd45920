"""Live objects: ``headlint.inspect`` measures a model, its loss and its optimizer in this process and leaves no trace."""
