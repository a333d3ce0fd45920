"""The rules: short sentences over facts. Each function looks for one mistake and gives drafts of findings."""
