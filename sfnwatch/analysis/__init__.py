"""Findings, reports and comparisons of two executions, worked out from a trace."""
