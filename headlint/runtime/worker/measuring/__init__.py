"""What is measured on a model, in the same words whatever its framework; the frameworks answer it."""
