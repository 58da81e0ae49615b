"""Settings from AWS Secrets Manager, against a server that answers as its API does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typing_extensions import override

from app.settings import SettingsError, load_settings

pytestmark = pytest.mark.integration

SECRET = {"REDIS_URL": "redis://cache.internal:6379/2", "SECRET_KEY": "from-the-vault-0123456789-abcdefghij"}


class SecretsManager(BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, dict[str, Any]]] = {  # noqa: RUF012  # never changed  # Any: JSON
        "precis": (200, {"Name": "precis", "SecretString": json.dumps(SECRET)}),
        "no-json": (200, {"Name": "no-json", "SecretString": "hunter2"}),
    }

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["SecretId"]
        status, answer = self.answers.get(asked, (400, {"__type": "ResourceNotFoundException"}))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:  # Any: as in the base class
        """Quiet."""


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SecretsManager)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    yield monkeypatch
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("secret_id", ["absent", "no-json"])
def test_a_secret_that_cannot_be_read_is_named_and_not_shown(
    vault: pytest.MonkeyPatch, secret_id: str
) -> None:
    vault.setenv("AWS_SECRET_ID", secret_id)
    with pytest.raises(SettingsError, match="AWS_SECRET_ID: cannot be read") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


def test_the_keys_of_the_secret_are_settings(vault: pytest.MonkeyPatch) -> None:
    vault.setenv("AWS_SECRET_ID", "precis")
    settings = load_settings()
    assert settings.redis_url == SECRET["REDIS_URL"]
    assert settings.secret_key.get_secret_value() == SECRET["SECRET_KEY"]


def test_the_environment_goes_before_the_secret(vault: pytest.MonkeyPatch) -> None:
    vault.setenv("AWS_SECRET_ID", "precis")
    vault.setenv("REDIS_URL", "redis://127.0.0.1:6379/5")
    assert load_settings().redis_url == "redis://127.0.0.1:6379/5"
