"""What AWS said, and what follows from it: no I/O, no clock of its own."""
