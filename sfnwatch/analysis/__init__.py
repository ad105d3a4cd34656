"""What follows from a trace: findings, a report, a comparison of two executions."""
