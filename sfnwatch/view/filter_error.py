"""What is wrong with a filter that can't be read."""


class FilterError(ValueError):
    """A filter that can't be read: what is wrong, where, and what would be right."""

    def __init__(self, message: str, position: int, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.position = position
        self.hint = hint
