"""A trace, and its state machines, as SVG pictures."""
