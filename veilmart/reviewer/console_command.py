"""``veilmart reviewer console``: the examiner's page, served to their own browser and nobody else's."""

import signal
import socket
import threading
from contextlib import closing
from pathlib import Path

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from veilmart.asking import open_node
from veilmart.person import EXAMPLE, load_person
from veilmart.reviewer.console.app import create_app
from veilmart.reviewer.console.session import Session
from veilmart.serving import config_option, keep_private

HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    """Logs no request, for the address that begins a session is one, and tells no version."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""

    def version_string(self) -> str:
        """Give what stands in the Server field."""
        return "veilmart"


@click.command()
@config_option(EXAMPLE)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port; 0 for any that is free. 端口。")
def console(*, config: Path, port: int) -> None:
    """Open an examiner's page: it runs on your machine, signs with your key, and ends with Ctrl-C.

    在本机打开审查页面:以您的密钥签名,按 Ctrl-C 结束。

    The address that is printed works once, for the browser that opens it first.
    """
    keep_private()
    session = Session()
    with open_node(config) as node, closing(_listen(port)) as listener:
        examiner = load_person(config).name
        host = f"{HOST}:{listener.getsockname()[1]}"
        app = create_app(node, examiner, session, host)
        server = make_server(HOST, 0, app, threaded=True, request_handler=_Quiet, fd=listener.detach())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        click.echo(f"Open once 打开一次: http://{host}{session.prefix}/begin/{session.token}")
        server.serve_forever()
        server.server_close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise click.ClickException(f"{HOST}:{port}: {error.strerror}; free it or choose another") from error
