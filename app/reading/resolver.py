"""Names to addresses, within a time limit and a bounded number of threads."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Protocol

from app.reading.addresses import Address

# A hostile name server can hold a thread for the resolver's own timeout: it holds these few, and no others.
RESOLVER_THREADS = 16


class Resolver(Protocol):
    async def resolve(self, host: str, port: int) -> list[Address]:
        """All addresses of `host`, in the order to try them. Raises OSError when there are none."""
        ...


class SystemResolver:
    def __init__(self, threads: int = RESOLVER_THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def resolve(self, host: str, port: int) -> list[Address]:
        loop = asyncio.get_running_loop()
        answers = await loop.run_in_executor(self._pool, _getaddrinfo, host, port)
        return list(dict.fromkeys(answers))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _getaddrinfo(host: str, port: int) -> list[Address]:
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(sockaddr[0]) for *_, sockaddr in answers]
