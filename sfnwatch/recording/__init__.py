"""The file: what was received, and when."""
