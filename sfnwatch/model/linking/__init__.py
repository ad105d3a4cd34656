"""Which attempt made a call: what speaks for it and against it, and who decides."""
