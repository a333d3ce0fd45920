"""Which findings of a run are reported: suppressions, baseline, changed lines."""
