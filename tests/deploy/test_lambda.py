"""The Lambda handler, invoked as the runtime does: several events, one process, one pool."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from app.core.signing_keys import generate_pem
from tests.deploy.deploy_files import ROOT
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

ALICE = {"username": "alice", "email": "alice@example.org", "password": "Lambda-tests-77!"}


def run(environment: dict[str, str], *requests: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.deploy.invoke_lambda", *requests]
    # Nothing of this machine's settings, such as an .env of a developer's.
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(  # noqa: S603  # our own interpreter and module
        command, env=given, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def invoke(environment: dict[str, str], *requests: str) -> list[dict[str, Any]]:  # Any: JSON
    done = run(environment, *requests)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"lambda"')]
    return [json.loads(line) for line in lines]


@pytest.fixture
def environment(database_urls: DatabaseUrls, redis_url: str) -> dict[str, str]:
    return {
        "ENVIRONMENT": "testing",
        "DATABASE_URL": database_urls.rw,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "a secret of forty characters for tests..",
        "JWT_SIGNING_KEY_PEM": generate_pem().decode(),
    }


def test_a_load_balancer_is_not_answered_as_its_clients_could_name_their_own_address(
    environment: dict[str, str],
) -> None:
    done = run(environment, "--alb", "GET /health/live ")
    assert '{"lambda"' not in done.stdout
    assert "ValueError: Behind a load balancer run the API on ECS" in done.stderr


def test_errors_are_problem_documents_in_plain_text(environment: dict[str, str]) -> None:
    (answer,) = invoke(environment, "GET /api/v1/summaries ")
    assert answer["statusCode"] == 401
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["code"] == "unauthenticated"


def test_one_process_serves_request_after_request(environment: dict[str, str]) -> None:
    register = f"POST /api/v1/users/register {json.dumps(ALICE)}"
    answers = invoke(environment, "GET /health/ready ", register, register, "GET /health/ready ")
    assert [answer["statusCode"] for answer in answers] == [200, 201, 409, 200]
    assert json.loads(answers[-1]["body"])["status"] == "healthy"
