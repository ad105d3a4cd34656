"""Two executions beside each other: what is the same, what differs, and where first.

Times alone make no difference in kind: two runs that went through the same states with
the same outcomes did the same, however long they took and however often they polled.

It is told in sentences, as lines, and as a document for people; `export/json.py` writes
it for programs. A line is a state, what differs in it stands below, the rest is folded:
runs of states that are alike on both sides take one line, and so do the iterations of a
large Map. What somebody toggles is known by its key, which stays the same while more
comes in.
"""
