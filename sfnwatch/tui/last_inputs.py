"""What something was last made of, to see when it is to be made again."""


class LastInputs:
    """The inputs that something was last made of.

    Most inputs are versions: whoever changes a thing increases its version. So two
    inputs are compared at the cost of a few numbers, whatever stands behind them.
    """

    def __init__(self) -> None:
        self._inputs: tuple[object, ...] | None = None

    def differ(self, *inputs: object) -> bool:
        """True if the last inputs were others, or there were none."""
        return inputs != self._inputs

    def note(self, *inputs: object) -> None:
        """Note the inputs that it is made of now."""
        self._inputs = inputs

    def renew(self, *inputs: object) -> bool:
        """Note the inputs; True if the last ones were others."""
        differ = self.differ(*inputs)
        self.note(*inputs)
        return differ

    def forget(self) -> None:
        """Let any inputs differ from the last ones."""
        self._inputs = None
