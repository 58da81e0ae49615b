"""What a request pays before anybody looks at it. `make micro` measures; the ordinary run asks each once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from app.core.gcra import Bucket, Quota
from app.core.gcra_script import GcraScript
from app.core.keyring import KeyRing
from app.core.limit_table import Limit
from app.core.redis_batch import Asked, Command
from app.core.tokens import AccessTokens
from tests.core.forge import GRANT

pytestmark = pytest.mark.unit

BUCKETS = [Bucket(f"limit:{{acme}}:{name}:", Quota(100, 60)) for name in (Limit.ORGANIZATION, Limit.API_KEY)]


class Nowhere:
    """Takes commands and sends none."""

    def __init__(self, future: asyncio.Future[object]) -> None:
        self._future = future

    def ask(self, *commands: Command) -> Asked:
        return Asked(commands, self._future)


@pytest.fixture
def nowhere() -> Iterator[Nowhere]:
    loop = asyncio.new_event_loop()
    yield Nowhere(loop.create_future())
    loop.close()


@pytest.fixture
def tokens(tmp_path: Path) -> AccessTokens:
    return AccessTokens(KeyRing.load(tmp_path / "keys", create=True), issuer="precis", audience="precis")


def test_token_that_is_read_for_the_first_time(benchmark: BenchmarkFixture, tokens: AccessTokens) -> None:
    def unknown() -> tuple[tuple[str], dict[str, object]]:
        return (tokens.issue(GRANT).token,), {}

    claims = benchmark.pedantic(tokens.decode, setup=unknown, rounds=200)  # type: ignore[no-untyped-call]  # the library's
    assert claims.sub == GRANT.sub


def test_token_that_was_read_before(benchmark: BenchmarkFixture, tokens: AccessTokens) -> None:
    assert benchmark(tokens.decode, tokens.issue(GRANT).token).sub == GRANT.sub


def test_token_that_is_issued(benchmark: BenchmarkFixture, tokens: AccessTokens) -> None:
    assert benchmark(tokens.issue, GRANT).expires_in > 0


def test_question_about_two_limits(benchmark: BenchmarkFixture, nowhere: Nowhere) -> None:
    assert benchmark(GcraScript(nowhere).begin, BUCKETS).command[0] == "EVALSHA"
