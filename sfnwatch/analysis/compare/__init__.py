"""A comparison of two executions: what is the same, what differs, and where first.

Times alone are no difference. Two executions that went through the same states with the
same outcomes did the same, however long they took and however often they polled.

A comparison has sentences, lines, and a document for people; `export/json` writes it
for programs. Each state has a line, with its differences below. The rest is folded:
a run of states that are alike on both sides takes one line, and so do the iterations of
a large Map. A line that was toggled is remembered by its key, which stays the same
while more records come in.
"""
