"""Recordings: their files, their folder, and files that other programs wrote."""
