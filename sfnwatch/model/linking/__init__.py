"""Which attempt made a call: the evidence for and against, and the decision."""
