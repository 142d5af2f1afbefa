"""E-mail through the operator's own server (SMTP, RFC 5321): notices leave by it, and nothing comes in."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from typing import Protocol

from compute.web.secret import SecretFileError
from marketplace.settings import Smtp

TIMEOUT = 15.0
"""Seconds for each answer of the server."""
_REFUSED = 500
"""From this reply code on a server will not take the message later either (RFC 5321, section 4.2.1)."""


class DeliveryError(Exception):
    """A notice could not be delivered; `is_final` if it never can be."""

    def __init__(self, problem: str, *, is_final: bool = False) -> None:
        super().__init__(problem)
        self.is_final = is_final


class Post(Protocol):
    """Sends one message; `Mailer` over SMTP."""

    def send(self, to: str, subject: str, text: str, message_id: str, at: int) -> None:
        """Hand the message over; raise `DeliveryError`."""


class Mailer:
    """Sends messages over a connection of their own each."""

    def __init__(self, settings: Smtp) -> None:
        self._settings = settings
        authority = None if settings.authority is None else str(settings.authority)
        self._context = ssl.create_default_context(cafile=authority)

    def send(self, to: str, subject: str, text: str, message_id: str, at: int) -> None:
        """Hand the message over; `at` is when the notice came about. Raises `DeliveryError`.

        `message_id` is the delivery's own, so that who gets it twice can tell (RFC 5322, section 3.6.4).
        """
        sender = self._settings.sender
        try:
            made = _message(sender, to, subject, text)
        except ValueError as error:  # what is told to nobody holds up nobody else's
            raise DeliveryError("no letter can be made of this address", is_final=True) from error
        made["Date"] = formatdate(at / 1000)
        made["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer of an absent person's machine
        try:
            with self._connected() as server:
                if self._settings.user is not None and self._settings.password is not None:
                    server.login(self._settings.user, self._settings.password.text())
                server.send_message(made, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise DeliveryError(
                f"the server refused the address: {codes}", is_final=min(codes) >= _REFUSED
            ) from error
        except SecretFileError as error:
            raise DeliveryError(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"the mail server did not take it: {type(error).__name__}") from error

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=TIMEOUT, context=self._context)
        server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT)
        if settings.security == "starttls":
            try:
                server.starttls(context=self._context)
            except BaseException:
                server.close()
                raise
        return server


def _message(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    """Give a letter to this very address; raise ValueError where a header's reader would see another."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, subject
    if str(made["To"]) != to:
        raise ValueError(f"{to} reads as {made['To']}")
    made.set_content(text)
    return made
