"""Why a file cannot be attached."""


class NotAttachableError(Exception):
    """The bytes are no sound file of their kind, or hold what is not kept here."""
