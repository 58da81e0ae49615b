"""A hostile web server on 127.0.0.1: each path misbehaves in its own way."""

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from app.reading.urls import HostPort

Handler = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]
PAGE = b"<html><body><p>Hello from the origin.</p></body></html>"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    headers: dict[str, str]
    origin: str


@dataclass
class Origin:
    host: str
    port: int
    scheme: str = "http"
    requests: list[Request] = field(default_factory=list)

    @property
    def allowed(self) -> frozenset[HostPort]:
        return frozenset({(self.host, self.port)})

    def url(self, path: str) -> str:
        return f"{self.scheme}://{self.host}:{self.port}{path}"


def response(body: bytes, *, status: str = "200 OK", content_type: str = HTML, extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def plain(answer: bytes) -> Handler:
    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return handle


async def endless(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        writer.write(b"<p>more</p>" * 10_000)
        await writer.drain()


async def trickle(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def trickled_headers(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def header_flood(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Flood: " + b"a" * 1000 + b"\r\n")
        await writer.drain()


async def silent(_request: Request, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def echo_loop(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(redirect(request.path + "x"))
    await writer.drain()


async def countdown(request: Request, writer: asyncio.StreamWriter) -> None:
    """/hops/3 leads to /hops/2, and so on; /hops/0 is a page."""
    left = int(request.path.rsplit("/", 1)[1])
    writer.write(redirect(f"/hops/{left - 1}") if left else response(PAGE))
    await writer.drain()


async def downgrade(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(redirect(f"http://{request.headers['host']}/page"))
    await writer.drain()


def gzip_bomb(mib: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunks = [packer.compress(bytes(1024 * 1024)) for _ in range(mib)]
    return b"".join(chunks) + packer.flush()


GZIPPED = "Content-Encoding: gzip\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
ROUTES: dict[str, Handler] = {
    "/page": plain(response(PAGE)),
    "/eleven-megabytes": plain(response(b"<p>x</p>" * 1_400_000)),
    "/eleven-megabytes-undeclared": plain(CHUNKED + b"%x\r\n" % 11_000_000 + b"x" * 11_000_000),
    "/gzip": plain(response(gzip.compress(PAGE), extra=GZIPPED)),
    "/gzip-two-members": plain(response(gzip.compress(b"<p>one") + gzip.compress(b"two"), extra=GZIPPED)),
    "/gzip-padded": plain(response(gzip.compress(PAGE) + b"\0\0\0", extra=GZIPPED)),
    "/gzip-bomb": plain(response(gzip_bomb(100), extra=GZIPPED)),
    "/gzip-small-bomb": plain(response(gzip_bomb(1), extra=GZIPPED)),
    "/gzip-cut": plain(response(gzip.compress(PAGE * 50)[:-20], extra=GZIPPED)),
    "/gzip-broken": plain(response(b"this is not gzip", extra=GZIPPED)),
    "/brotli": plain(response(b"whatever", extra="Content-Encoding: br\r\n")),
    "/endless": endless,
    "/trickle": trickle,
    "/trickled-headers": trickled_headers,
    "/header-flood": header_flood,
    "/downgrade": downgrade,
    "/silent": silent,
    "/loop": plain(redirect("/loop")),
    "/to-file": plain(redirect("file:///etc/passwd")),
    "/to-private": plain(redirect("http://10.0.0.1/")),
    "/to-metadata": plain(redirect("http://169.254.169.254/latest/meta-data/")),
    "/to-localhost": plain(redirect("http://localhost/")),
    "/to-nowhere": plain(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
    "/to-spaced": plain(redirect("/page?a b")),
    "/too-long-length": plain(response(PAGE).replace(b"Content-Length: ", b"Content-Length: 9")),
    "/two-lengths": plain(response(PAGE, extra="Content-Length: 3\r\n")),
    "/closed": plain(b""),
    "/garbage": plain(b"\x00\x01\x02 this is no HTTP\r\n\r\n"),
    "/404": plain(response(PAGE, status="404 Not Found")),
    "/503": plain(response(PAGE, status="503 Service Unavailable")),
    "/429": plain(response(PAGE, status="429 Too Many Requests")),
    "/pdf.html": plain(response(b"%PDF-1.7 ...", content_type="text/html")),
    "/pdf-octets": plain(response(b"%PDF-1.7 ...", content_type="application/octet-stream")),
    "/pdf-that-is-html": plain(response(PAGE, content_type="application/pdf")),
    "/image": plain(response(b"\x89PNG", content_type="image/png")),
    "/image-as-html": plain(response(b"\x89PNG\r\n\x1a\n\x00\x00\x00", content_type="text/html")),
    "/octets": plain(response(b"some bytes", content_type="application/octet-stream")),
    "/typeless": plain(b"HTTP/1.1 200 OK\r\n\r\n" + PAGE),
    "/typeless-text": plain(b"HTTP/1.1 200 OK\r\n\r\njust words"),
    "/text": plain(response(b"just words", content_type="text/plain;charset=ISO-8859-1")),
    "/empty": plain(response(b"")),
    "/cookie": plain(redirect("/page", "302 Found\r\nSet-Cookie: a=b")),
}


@asynccontextmanager
async def serve(*, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Origin]:
    origin = Origin(host, 0, "https" if tls else "http")

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled: the test is over. A stream server reports that as a fault, so it ends here.
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            request = await _read_request(reader, origin)
            origin.requests.append(request)
            handler = countdown if request.path.startswith("/hops/") else ROUTES.get(request.path, echo_loop)
            await handler(request, writer)
            await writer.drain()
        writer.close()
        with suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
            await writer.wait_closed()

    server = await asyncio.start_server(on_connect, "127.0.0.1", 0, ssl=tls)
    origin.port = server.sockets[0].getsockname()[1]
    async with _closing(server):
        yield origin


@asynccontextmanager
async def serve_refusals(answer: bytes) -> AsyncIterator[Origin]:
    """A server that answers before it is asked: what a TLS client meets on a plain port."""

    async def on_connect(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(on_connect, "127.0.0.1", 0)
    async with _closing(server):
        yield Origin("127.0.0.1", server.sockets[0].getsockname()[1])


@asynccontextmanager
async def _closing(server: asyncio.Server) -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    try:
        yield
    finally:
        server.close()
        handlers = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader, origin: Origin) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    return Request(head[0].split(" ")[1], {k.lower(): v for k, v in pairs}, origin.url(""))
