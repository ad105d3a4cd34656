"""The error of a filter that can't be read."""


class FilterError(ValueError):
    """A filter can't be read: what is wrong, at which position, and a hint."""

    def __init__(self, message: str, position: int, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.position = position
        self.hint = hint
