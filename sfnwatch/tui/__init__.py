"""The screen. Only here is textual imported."""
