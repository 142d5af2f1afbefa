"""A proxy in front of every process: it ends TLS with the site's own certificate and keeps all that passes."""

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Self

from compute.web.tls_key import KeyPair, load_chain
from veilmart.demo.sites import HOST, Site

BLOCK = 1 << 16


@dataclass
class Stream:
    """What passed through one connection, in both directions, in the clear."""

    server: str
    asked: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)

    def exchanges(self) -> Iterator["Exchange"]:
        requests, responses = _messages(bytes(self.asked)), _messages(bytes(self.answered))
        for (line, fields, asked), (status, _, answered) in zip(requests, responses, strict=False):
            method, path, _ = line.split(" ")
            keyid = re.search(r'keyid="([^"]*)"', fields.get("signature-input", ""))
            party = keyid[1] if keyid else None
            yield Exchange(self.server, party, method, path, asked, int(status.split(" ")[1]), answered)


@dataclass(frozen=True)
class Exchange:
    """A request and its response; `party` is who says to ask, None where nobody signed."""

    server: str
    party: str | None
    method: str
    path: str
    asked: bytes
    status: int
    answered: bytes


class Proxy:
    """Listens at every site's public port and passes on to its own; a context manager, in a thread of its own."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self.streams: list[Stream] = []
        self._sites, self._loop = sites, asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: Future[None] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        servers = [await self._listen(site) for site in self._sites]
        self._listening.set_result(None)
        await self._stop.wait()
        for server in servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.1)  # for transports to close

    async def _listen(self, site: Site) -> asyncio.Server:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_chain(ours, KeyPair(site.folder / "tls.pem", site.folder / "tls.key", site.unlock))
        theirs = ssl.create_default_context(cafile=site.authority)

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(writer):
                up_reader, up_writer = await asyncio.open_connection(HOST, site.port, ssl=theirs)
                with contextlib.closing(up_writer):
                    await self._pass_on(Stream(site.name), (reader, up_writer), (up_reader, writer))

        return await asyncio.start_server(accept, HOST, site.public_port, ssl=ours)

    async def _pass_on(
        self,
        stream: Stream,
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        back: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.streams.append(stream)
        ways = [asyncio.ensure_future(_copy(*there, stream.asked))]
        ways.append(asyncio.ensure_future(_copy(*back, stream.answered)))
        try:
            # Who asks may have half of its request unsent when it is refused: the answer passes nevertheless.
            await ways[1]
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
    while block := await reader.read(BLOCK):
        kept += block
        writer.write(block)
        await writer.drain()


def _messages(data: bytes) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Give first line, fields and body of each HTTP message that is there to its end."""
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return
        line, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
        assert "transfer-encoding" not in fields, line
        length = int(fields.get("content-length", 0))
        if len(rest) < length:
            return
        yield line, fields, rest[:length]
        data = rest[length:]
