import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from app.core.logging import LineHandler, configure_logging, line_logger
from app.core.origin import current_request_id
from tests.core.small_app import small_settings

pytestmark = pytest.mark.unit


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What the process logs, as JSON lines; the former configuration is put back."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    configure_logging(small_settings(log_format="json"), stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def left_alone() -> logging.Logger:
    """As in production: pytest listens to the root too, for which a line of ours becomes a record."""
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if isinstance(each, LineHandler)]
    return root


def last_line(stream: io.StringIO) -> dict[str, Any]:  # Any: JSON
    line: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return line


@pytest.mark.parametrize("listeners", ["alone", "others"])
def test_log_line_holds_no_secret(stream: io.StringIO, listeners: str) -> None:
    if listeners == "alone":
        left_alone()
    structlog.get_logger("test").info("login", password="hunter2", url="redis://:hunter2@cache")
    assert "hunter2" not in stream.getvalue()


def test_traceback_holds_no_secret(stream: io.StringIO) -> None:
    error = ValueError("postgresql://app:hunter2@db/x")
    structlog.get_logger("test").error("failed", exc_info=error)
    assert "ValueError" in last_line(stream)["exception"]
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize("listeners", ["alone", "others"])
def test_what_every_request_says_is_written_as_any_other_line(stream: io.StringIO, listeners: str) -> None:
    if listeners == "alone":
        left_alone()
    told = {"status": 200, "token": "hunter2", "at": "redis://:hunter2@cache"}
    with bound_contextvars(request_id="an-id"):
        structlog.get_logger("test").info("request", **told)
        line_logger("test").line(logging.INFO, "request", {**told})
    usual, ours = (json.loads(line) for line in stream.getvalue().splitlines())
    assert "hunter2" not in stream.getvalue()
    assert usual | {"timestamp": None} == ours | {"timestamp": None}


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    line_logger("test").line(logging.DEBUG, "request", {})
    assert not stream.getvalue()


@pytest.mark.usefixtures("stream")
def test_a_server_does_not_put_together_an_access_line_that_nobody_reads() -> None:
    logging.getLogger("uvicorn.access").addHandler(logging.NullHandler())
    configure_logging(small_settings(log_format="json"), io.StringIO())
    assert not logging.getLogger("uvicorn.access").hasHandlers()


@pytest.mark.parametrize(
    "name", ["uvicorn.error", "gunicorn.error", "sqlalchemy.pool", "procrastinate.worker"]
)
def test_library_logs_in_our_form_and_without_secrets(stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).warning("connected to %s", "redis://:hunter2@cache", extra={"token": "hunter2"})
    line = last_line(stream)
    assert (line["logger"], line["level"]) == (name, "warning")
    assert "hunter2" not in stream.getvalue()


def test_the_queue_never_quotes_what_a_job_was_given(stream: io.StringIO) -> None:
    logger, given = logging.getLogger("procrastinate"), {"job": {"task_kwargs": {"to": "hunter2"}}}
    error = ValueError("hunter2")
    logger.error("Job mail[1](to='hunter2') failed", extra={**given, "action": "job_error"}, exc_info=error)
    assert last_line(stream)["event"] == "job_error"
    assert "hunter2" not in stream.getvalue()


def test_servers_own_access_log_is_silent(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").info("GET /?token=hunter2")
    assert stream.getvalue() == ""


def test_line_below_the_level_is_dropped(stream: io.StringIO) -> None:
    structlog.get_logger("test").debug("detail")
    assert stream.getvalue() == ""


def test_line_carries_the_request_id(stream: io.StringIO) -> None:
    with bound_contextvars(request_id="abc"):
        structlog.get_logger("test").info("here")
        assert current_request_id() == "abc"
    assert last_line(stream)["request_id"] == "abc"


def test_outside_a_request_there_is_no_id() -> None:
    assert current_request_id() is None


def test_console_form_is_for_people(stream: io.StringIO) -> None:
    configure_logging(small_settings(log_format="console"), stream)
    hidden = "hunter2"
    structlog.get_logger("test").error("failed", exc_info=ValueError(len(hidden)))
    assert "ValueError: 7" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_a_line_has_its_level_whether_or_not_others_listen(stream: io.StringIO, level: str) -> None:
    root = left_alone()
    root.setLevel(logging.DEBUG)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    getattr(structlog.get_logger("test"), level)("said", number=1)
    alone = last_line(stream)
    others = io.StringIO()
    root.addHandler(logging.StreamHandler(others))
    getattr(structlog.get_logger("test"), level)("said", number=1)
    assert last_line(stream) | {"timestamp": ""} == alone | {"timestamp": ""}
    assert (alone["level"], alone["logger"], "said" in others.getvalue()) == (level, "test", True)


def test_a_logger_that_was_silenced_is_silent(stream: io.StringIO) -> None:
    logging.getLogger("silenced").setLevel(logging.ERROR)
    structlog.get_logger("silenced").info("said")
    assert stream.getvalue() == ""


def test_a_line_that_cannot_be_written_fails_nobody(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    left_alone()
    stream.close()
    structlog.get_logger("test").info("said")
    assert "Logging error" in capsys.readouterr().err
