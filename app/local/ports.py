"""Free ports on the loopback."""

import socket
from contextlib import closing

LOOPBACK = "127.0.0.1"


def url_of(host: str, port: int) -> str:
    """Where a browser on this machine reaches what listens there."""
    reachable = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        return False
    return True


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def first_free(start: int, host: str = LOOPBACK, *, tries: int = 100) -> int:
    """`start`, or the next one that nobody listens on."""
    candidates = range(start, min(start + tries, 65536))
    return next((port for port in candidates if is_free(port, host)), 0) or free_port()


def listening(start: int) -> socket.socket:
    """On `start` or a free port of the loopback. A child that inherits it cannot lose it to others."""
    try:
        return socket.create_server((LOOPBACK, first_free(start)))
    except OSError:
        return socket.create_server((LOOPBACK, 0))


def accepts(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0
