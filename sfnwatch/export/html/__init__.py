"""A trace as a report: one page of HTML."""
