"""What the names of PyTorch, Keras and TensorFlow mean, as tables."""
