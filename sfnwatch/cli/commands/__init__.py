"""The commands, one a module, which is imported when its command is first asked for."""
