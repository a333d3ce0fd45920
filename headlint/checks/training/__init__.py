"""HL508 to HL518 and HL607 to HL610: the order of a training step, and the loop around it."""
