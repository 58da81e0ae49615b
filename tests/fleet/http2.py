"""Just enough of HTTP/2 (RFC 9113) to know that it is spoken: one GET, and the status of its answer."""

import socket
import ssl
import struct

from app.local.ports import LOOPBACK

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, SETTINGS = 1, 4
END_STREAM, END_HEADERS = 0x1, 0x4
# RFC 7541, appendix A: `:method: GET`, `:scheme: https`, a literal `:path`, and `:status: 200` in the answer.
METHOD_GET, SCHEME_HTTPS, PATH, AUTHORITY, STATUS_200 = 0x82, 0x87, 0x04, 0x01, 0x88


def speaks_http2(port: int, tls: ssl.SSLContext, path: str) -> bool:
    """Whether a GET is answered with 200."""
    tls.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((LOOPBACK, port), timeout=10) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        if connection.selected_alpn_protocol() != "h2":
            return False
        fields = bytes((METHOD_GET, SCHEME_HTTPS)) + _literal(PATH, path) + _literal(AUTHORITY, "localhost")
        connection.sendall(PREFACE + _frame(SETTINGS, 0, 0, b""))
        connection.sendall(_frame(HEADERS, END_STREAM | END_HEADERS, 1, fields))
        return _status(connection) == STATUS_200


def _literal(name: int, value: str) -> bytes:
    """Not to be indexed, its name by number, its value as it is."""
    return bytes((name, len(value))) + value.encode("ascii")


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content


def _status(connection: ssl.SSLSocket) -> int:
    """The first byte of the first header block: its `:status`, by number."""
    with connection.makefile("rb") as incoming:
        while True:
            head = incoming.read(9)
            length = int.from_bytes(head[:3], "big")
            content = incoming.read(length)
            if head[3] == HEADERS:
                # A proxy may announce another size of its table first (RFC 7541, section 6.3).
                return next(byte for byte in content if byte & 0xE0 != 0x20)
