"""What headlint has to say: findings, the rules behind them, and what a finding is recognised by."""
