"""Recordings: the file, the folder they lie in, and the files of others."""
