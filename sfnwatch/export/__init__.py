"""A trace, as other programs read it."""
