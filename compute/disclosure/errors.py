"""Why a statistic is not disclosed."""


class DisclosureError(Exception):
    """A release is declined; the reason says no more of the data than that it is, the remedy what can be asked."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason, self.remedy = reason, remedy
