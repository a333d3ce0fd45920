"""PyTorch modules as wholes: the parts they have, and what they do with them."""
