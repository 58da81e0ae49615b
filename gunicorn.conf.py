"""The fleet's process settings; gunicorn reads this file by itself. `gunicorn` alone serves app.main:app.

Numbers that depend on each other: nginx keeps an idle upstream connection 60 s, we keep ours 75 s, so that
nginx closes first and never writes into a closed one; the longest request (20 s) fits into graceful_timeout.
"""

import os
import sys
from pathlib import Path
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from typing_extensions import override
from uvicorn_worker import UvicornWorker

from app.core.metrics_folder import metrics_folder
from app.core.serving.extras import leave_out_extras
from app.core.serving.garbage import collect_seldom, settle
from app.core.serving.lingering import LingeringProtocol
from app.core.serving.relief import RELIEF
from app.core.serving.server import CarefulServer, refuse_until_served
from app.settings import SettingsError, load_settings

leave_out_extras()
collect_seldom()

try:
    _settings = load_settings()
except SettingsError as error:
    # Once, in the master: each worker would say it again, and gunicorn would call it a boot error.
    raise SystemExit(str(error)) from None

_metrics_dir = Path(
    os.environ.get("PROMETHEUS_MULTIPROC_DIR") or metrics_folder(_settings.data_dir, _settings.port)
).resolve()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics_dir)

from prometheus_client import multiprocess  # noqa: E402  # it looks for the directory when imported

from app.core.shared_counts import share_counts  # noqa: E402  # as above

share_counts()


class PrecisWorker(UvicornWorker):  # type: ignore[misc]  # it ships no types
    """uvicorn without Server header and access log; loop and parser are named, so none is silently slower."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {  # Any: uvicorn's own keyword types
        "loop": "uvloop",
        "http": LingeringProtocol,  # of httptools
        "server_header": False,
        "proxy_headers": True,
        "access_log": False,
        "ws_max_size": 16_384,
        # A deflate window is 300 KB a connection, for messages of 300 bytes.
        "ws_per_message_deflate": False,
        # Event streams never end by themselves; the rest has ended by then.
        "timeout_graceful_shutdown": 25,
    }
    relieves: tuple[int, ...] = ()

    @override
    async def _serve(self) -> None:
        """As its parent's, with our own server."""
        self.config.app = self.wsgi
        server = CarefulServer(self.config, on_started=self._begin)
        self._install_sigquit_handler()
        # Bare: a listener of gunicorn's around one is told of nothing that the event loop does with it.
        await server.serve(sockets=[listener.sock for listener in self.sockets])
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def _begin(self) -> None:
        settle()
        RELIEF.serving(self)


wsgi_app = "app.main:app"
bind = (
    f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
)
workers = _settings.web_concurrency
worker_class = PrecisWorker
preload_app = False  # engines and pools must not be shared across a fork
proc_name = "precis"

timeout = 60
graceful_timeout = 30
keepalive = 75
max_requests = 0  # recycling dropped keep-alive connections: 22 in one run of 5 s

# A value here overrides the environment variable, hence the same source.
forwarded_allow_ips = _settings.forwarded_allow_ips
control_socket_disable = True  # it would write into a home directory that a container does not have
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # heartbeats off the disk

accesslog = None  # core/middleware writes one line a request
errorlog = "-"
loglevel = _settings.log_level.lower()


def on_starting(_server: Arbiter) -> None:
    """Counters of processes that are gone would be added to ours; a reload (SIGHUP) does not come here."""
    _metrics_dir.mkdir(parents=True, exist_ok=True)
    for file in _metrics_dir.glob("*.db"):
        file.unlink()


def when_ready(server: Arbiter) -> None:
    """Listening, and no worker was forked yet."""
    for listener in server.LISTENERS:
        refuse_until_served(listener.sock)


def on_reload(server: Arbiter) -> None:
    RELIEF.reload(server)


def pre_fork(_server: Arbiter, worker: Worker) -> None:
    RELIEF.forking(worker)


def child_exit(server: Arbiter, worker: Worker) -> None:
    RELIEF.ended(server, worker)
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # it ships no types
