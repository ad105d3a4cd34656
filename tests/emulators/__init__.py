"""sfnwatch before emulators of AWS, each in a process of its own."""
