"""A trace and a question, as lines: what a screen, a picture and a text share."""
