"""Training loops: the parameters that an optimizer holds, and the events of a step."""
