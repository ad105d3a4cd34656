"""A refusal with AWS's code."""


class AwsError(Exception):
    """A refusal with AWS's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
