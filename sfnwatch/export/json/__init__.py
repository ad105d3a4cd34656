"""The JSON exports: a contract that other programs rely on."""
