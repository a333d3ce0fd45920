"""From source text to a compact intermediate representation; the only room that knows libcst's nodes."""
