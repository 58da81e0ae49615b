"""Decompression that a hostile page cannot turn into memory: zlib is told how much it may produce."""

import zlib

from typing_extensions import override

from app.reading.errors import ReadingError, Reason

GZIP_WINDOW = 16 + zlib.MAX_WBITS
# Small pages of one repeated row compress well and hurt nobody; the ratio counts from here on.
RATIO_FREE_BYTES = 64 * 1024
ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True}


class BodyCollector:
    """Takes the body as it comes over the wire and keeps it decoded, never over `limit` bytes."""

    def __init__(self, content_encoding: str, *, limit: int, ratio: int) -> None:
        encoding = content_encoding.strip().lower()
        if encoding not in ENCODINGS:
            raise ReadingError(
                Reason.UNSUPPORTED_TYPE, f"content encoding {encoding!r}, which we did not offer"
            )
        self._gzip = zlib.decompressobj(GZIP_WINDOW) if ENCODINGS[encoding] else None
        self._limit = limit
        self._ratio = ratio
        self._body = bytearray()
        self.wire_bytes = 0

    def feed(self, chunk: bytes) -> None:
        self.wire_bytes += len(chunk)
        if self._gzip is None:
            self._append(chunk)
        else:
            self._inflate(chunk)

    @property
    def size(self) -> int:
        """Of what is kept, in bytes."""
        return len(self._body)

    @property
    def is_full(self) -> bool:
        """Nothing more need be read."""
        return False

    def finish(self) -> bytes:
        if self._gzip is not None and self.wire_bytes and not self._gzip.eof:
            raise ReadingError(Reason.CONNECT, "compressed body broke off")
        return bytes(self._body)

    def _inflate(self, chunk: bytes) -> None:
        rest = chunk
        while rest and self._gzip is not None:
            if self._gzip.eof:
                # RFC 1952 2.2: members may follow one another; anything else after the end is padding.
                if not rest.startswith(b"\x1f\x8b"):
                    return
                self._gzip = zlib.decompressobj(GZIP_WINDOW)
            rest = self._inflate_some(self._gzip, rest)

    def _inflate_some(self, gzip: "zlib._Decompress", data: bytes) -> bytes:
        try:
            self._append(gzip.decompress(data, self._limit - len(self._body) + 1))
        except zlib.error as error:
            raise ReadingError(Reason.CONNECT, f"compressed body is broken: {error}") from error
        return gzip.unused_data if gzip.eof else gzip.unconsumed_tail

    def _append(self, data: bytes) -> None:
        self._body += data
        size = len(self._body)
        if size > self._limit:
            raise ReadingError(Reason.TOO_LARGE, f"over {self._limit} bytes decoded")
        if size > RATIO_FREE_BYTES and size > self._ratio * self.wire_bytes:
            raise ReadingError(Reason.TOO_LARGE, f"inflates {size} bytes from {self.wire_bytes}")


class PrefixCollector(BodyCollector):
    """Keeps the first `limit` bytes, and leaves whatever follows."""

    @property
    @override
    def is_full(self) -> bool:
        return len(self._body) >= self._limit

    @override
    def finish(self) -> bytes:
        return bytes(self._body) if self.is_full else super().finish()

    @override
    def _append(self, data: bytes) -> None:
        super()._append(data[: self._limit - len(self._body)])

    @override
    def _inflate_some(self, gzip: "zlib._Decompress", data: bytes) -> bytes:
        return b"" if self.is_full else super()._inflate_some(gzip, data)
