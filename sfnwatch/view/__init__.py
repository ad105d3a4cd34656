"""A trace as lines, boxes and bars: what the screen, pictures and texts share."""
