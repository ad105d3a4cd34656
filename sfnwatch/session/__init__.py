"""One run of the program: what it watches or replays, and how that ends."""
