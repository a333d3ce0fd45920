"""Transfer functions of tensor operations: shapes, arithmetic, creation, reshaping, activations."""
