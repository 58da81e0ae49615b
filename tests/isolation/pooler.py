"""deploy/pgbouncer/pgbouncer.ini under a real PgBouncer, in front of this test's database."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from app.local.account import server_account

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
INI = Path(__file__).resolve().parents[2] / "deploy" / "pgbouncer" / "pgbouncer.ini"
# So few that every tenant's transaction comes right after another's on the same connection.
SERVER_CONNECTIONS = 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def pooled(url: str, folder: Path) -> Iterator[str]:
    """The same DSN through PgBouncer."""
    port = free_port()
    ini = write_ini(folder, url, port=port)
    account = server_account()
    owner = {"user": account.uid, "group": account.gid} if account else {}
    with subprocess.Popen([str(PGBOUNCER), "-q", str(ini)], **owner) as server:  # type: ignore[call-overload]  # noqa: S603  # our own arguments
        try:
            wait_until_up(port)
            target = urlsplit(url)
            yield f"postgresql://{target.username}:{target.password}@127.0.0.1:{port}/precis"
        finally:
            server.terminate()


def write_ini(folder: Path, url: str, *, port: int) -> Path:
    """Only addresses, places and the pool's size are exchanged.

    Raises AssertionError where the file no longer says what is exchanged here.
    """
    target = urlsplit(url)
    users = folder / "users.txt"
    users.write_text(f'"{target.username}" "{target.password}"\n', "utf-8")
    text = INI.read_text("utf-8")
    exchanges = {
        "host=postgres port=5432": f"host=127.0.0.1 port={target.port}",
        "dbname=precis": f"dbname={target.path[1:]}",
        "listen_addr = 0.0.0.0": "listen_addr = 127.0.0.1\nunix_socket_dir =",
        "listen_port = 6432": f"listen_port = {port}",
        "/run/secrets/pgbouncer_users": str(users),
        "default_pool_size = 20": f"default_pool_size = {SERVER_CONNECTIONS}",
        "query_wait_timeout = 5": "query_wait_timeout = 60",
    }
    for old, new in exchanges.items():
        assert old in text, old
        text = text.replace(old, new)
    ini = folder / "pgbouncer.ini"
    ini.write_text(text, "utf-8")
    return ini


def wait_until_up(port: int) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
