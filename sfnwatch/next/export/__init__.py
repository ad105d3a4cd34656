"""Writers of a trace, for other programs and for people."""
