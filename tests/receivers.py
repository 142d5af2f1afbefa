"""Receivers of notices, in this process: a mail server, and an HTTPS server for webhooks."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from compute.web import messages
from compute.web.tls import make_ca, make_certificate

HOST = "hook.example"
USER, PASSWORD = "veilmart", "correct horse"


@dataclass
class Call:
    """What came to a webhook."""

    path: str
    headers: dict[str, str]
    body: bytes

    def check(self, url: str, party: str, pin: bytes) -> None:
        """Do what a receiver does: prove that the marketplace sent just this to just here."""
        message = messages.Request("POST", url, messages.pick_fields(self.headers.get))
        assert messages.read_claim(message).party == party
        messages.verify(message, party, pin)
        messages.check_digest(message, self.body)


@dataclass
class Receiver:
    """An HTTPS server that answers with `status`, and keeps what came."""

    port: int
    authority: Path
    status: int = 204
    location: str | None = None
    calls: list[Call] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/in"


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    """A webhook's server under the name `HOST`."""
    held: list[Receiver] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver = held[0]
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.calls.append(Call(self.path, dict(self.headers), body))
            self.send_response(receiver.status)
            if receiver.location is not None:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    ca = make_ca(folder)
    pair = make_certificate(ca, "hook", [HOST])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        held.append(Receiver(server.server_address[1], ca.certificate))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield held[0]
        finally:
            server.shutdown()
            thread.join()


@dataclass
class MailServer:
    """A mail server that takes what comes from `USER`, or refuses every recipient with `code`."""

    port: int
    authority: Path
    code: int = 250
    messages: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name for it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.code != 250:
            return f"{self.code} no"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@contextmanager
def mailing(folder: Path, host: str = "localhost") -> Iterator[MailServer]:
    """A mail server with STARTTLS and a login."""
    ca = make_ca(folder)
    pair = make_certificate(ca, "mail", [host])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    held = MailServer(0, ca.certificate)

    def authenticate(
        _server: object, _session: object, _envelope: object, _kind: str, login: object
    ) -> AuthResult:
        assert isinstance(login, LoginPassword)
        right = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)  # the server answers then, 535 if it is not

    class AnyPort(Controller):
        def _trigger_server(self) -> None:
            self.port = held.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

    controller = AnyPort(
        held,
        hostname="127.0.0.1",
        port=0,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
        ready_timeout=10,
    )
    controller.start()
    try:
        yield held
    finally:
        controller.stop()
