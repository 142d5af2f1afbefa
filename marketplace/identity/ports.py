"""What an identity adapter has to do. There are several implementations of each, chosen by the configuration."""

from typing import Protocol

from marketplace.flow.subject import Identity


class IdentityError(Exception):
    """Nobody was identified: what was shown is not genuine, is for another occasion, or names no subject."""


class MessageError(Exception):
    """A short message could not be handed on now."""


class Contacts(Protocol):
    """Knows subjects and the telephone numbers that they have registered: `marketplace.identity.registry`."""

    def telephone(self, subject: str) -> str | None:
        """Give where the subject is told of what concerns it, in the form +8613800000000."""
        ...

    def identify(self, subject: str, telephone: str) -> Identity | None:
        """Give who it is that is reached by this number, if they act for the subject."""
        ...


class Messages(Protocol):
    """Carries short messages: `marketplace.identity.outbox`, `marketplace.identity.gateway`."""

    def send(self, telephone: str, text: str) -> None:
        """Hand a message on; raise `MessageError` if that was not possible."""
        ...
