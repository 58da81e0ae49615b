"""A name server of our own, which can fall silent; bound where /etc/resolv.conf of the worker points."""

import asyncio
import struct
from typing import cast

from typing_extensions import override

ADDRESS = "127.0.0.77"
PORT = 53
ANSWERED, ONE_QUESTION = 0x8180, 1
TYPE_A, CLASS_IN, TTL_SECONDS = 1, 1, 1
POINTER_TO_QUESTION = 0xC00C
HEADER = struct.Struct(">HHHHHH")
LOOPBACK_RECORD = struct.pack(
    ">HHHIH4s", POINTER_TO_QUESTION, TYPE_A, CLASS_IN, TTL_SECONDS, 4, b"\x7f\0\0\x01"
)


class NameServer(asyncio.DatagramProtocol):
    """Every name is 127.0.0.1 (RFC 1035); a silent one answers nothing at all."""

    silent = False
    _transport: asyncio.DatagramTransport | None = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(ADDRESS, PORT))

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Which of the transports it is depends on the loop, and not all of them say so by their class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.silent and self._transport is not None:
            self._transport.sendto(answer_to(data), addr)


def answer_to(query: bytes) -> bytes:
    """Asked for an IPv6 address it knows the name, and no such address."""
    number, *_ = HEADER.unpack_from(query)
    end = query.index(b"\0", HEADER.size) + 5
    (kind,) = struct.unpack_from(">H", query, end - 4)
    records = [LOOPBACK_RECORD] if kind == TYPE_A else []
    head = HEADER.pack(number, ANSWERED, ONE_QUESTION, len(records), 0, 0)
    return head + query[HEADER.size : end] + b"".join(records)
