"""Files, notebooks, encodings, ignored files and suppression comments. Knows nothing of frameworks and rules."""
