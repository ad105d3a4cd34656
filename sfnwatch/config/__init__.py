"""What the user has set once and for all: config.toml, its themes and its key maps."""
