"""The command line: what was typed becomes a session, and its outcome an exit code."""
