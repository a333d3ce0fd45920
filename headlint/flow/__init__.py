"""The abstract interpreter: follows values through a program and notes facts about losses, layers and predictions."""
