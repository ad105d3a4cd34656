"""A trace for Perfetto and other viewers of Chrome trace JSON."""
