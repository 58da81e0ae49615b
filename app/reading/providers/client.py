"""POST {base_url}/chat/completions: one client for OpenAI, Ollama and vLLM."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx2

from app.reading.providers.completion import Completion, Draft, read_stream, read_whole
from app.reading.providers.errors import FallbackReason, ProviderError
from app.reading.providers.options import ProviderOptions

Message = Mapping[str, str]
TRY_AGAIN = frozenset({408, 409, 425, 429})
STREAM = "text/event-stream"


class StatusError(ProviderError):
    """An answer other than 2xx. `pause_seconds` is its Retry-After, 0 without one."""

    def __init__(self, status: int, retry_after: str) -> None:
        super().__init__(_reason(status), f"HTTP {status}")
        self.is_retryable = status in TRY_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        self.pause_seconds = parse_retry_after(retry_after, datetime.now(UTC))


class ChatClient:
    """No redirects, no cookies, no proxy from the environment: the key goes to its own address only."""

    def __init__(
        self, options: ProviderOptions, *, chance: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._options = options
        self._limits = options.limits
        self._chance = chance
        self._url = f"{options.base_url}/chat/completions"
        self._client = httpx2.AsyncClient(
            headers=_headers(options),
            timeout=httpx2.Timeout(options.limits.read_seconds, connect=options.limits.connect_seconds),
            follow_redirects=False,
            trust_env=False,
        )
        self._slots = asyncio.Semaphore(options.concurrency)

    async def complete(self, messages: Sequence[Message]) -> Completion:
        """Raises ProviderError, whatever the provider does, within `total_seconds`."""
        try:
            async with asyncio.timeout(self._limits.total_seconds) as deadline, self._slots:
                return await self._with_retries(messages, deadline.when() or math.inf)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise ProviderError(FallbackReason.TIMEOUT, repr(error)) from error
        except httpx2.HTTPError as error:
            raise ProviderError(FallbackReason.UNREACHABLE, type(error).__name__) from error

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _with_retries(self, messages: Sequence[Message], deadline: float) -> Completion:
        clock = asyncio.get_running_loop().time
        for spent in range(self._limits.tries - 1):
            try:
                return await self._once(messages)
            except StatusError as error:
                backoff = self._limits.first_pause_seconds * 2**spent * self._chance(0.5, 1.5)
                pause = max(backoff, error.pause_seconds)
                if not error.is_retryable or clock() + pause >= deadline:
                    raise
                await asyncio.sleep(pause)
        return await self._once(messages)

    async def _once(self, messages: Sequence[Message]) -> Completion:
        async with self._client.stream("POST", self._url, json=self._body(messages)) as response:
            if not response.is_success:
                raise StatusError(response.status_code, response.headers.get("retry-after", ""))
            # We asked for none: what a small answer inflates to is nobody's to choose.
            if response.headers.get("content-encoding", "identity") != "identity":
                raise ProviderError(FallbackReason.INVALID_ANSWER, "a compressed answer")
            draft = Draft(self._limits.answer_characters)
            body = self._bounded(response)
            if response.headers.get("content-type", "").startswith(STREAM):
                return await read_stream(body, draft)
            return read_whole(b"".join([chunk async for chunk in body]), draft)

    def _body(self, messages: Sequence[Message]) -> dict[str, object]:
        options = self._options
        warmth = {} if options.temperature is None else {"temperature": options.temperature}
        # Streamed, an answer without end is noticed while it arrives, and closing the connection stops it.
        stream = {"stream": True, "stream_options": {"include_usage": True}}
        return {"model": options.model, "messages": list(messages), **stream, **warmth}

    async def _bounded(self, response: httpx2.Response) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in response.aiter_raw():
            received += len(chunk)
            if received > self._limits.wire_bytes:
                raise ProviderError(FallbackReason.INVALID_ANSWER, "too many bytes")
            yield chunk


def _headers(options: ProviderOptions) -> dict[str, str]:
    headers = {"Accept": f"{STREAM}, application/json", "Accept-Encoding": "identity"}
    if options.api_key is not None:
        headers["Authorization"] = f"Bearer {options.api_key.get_secret_value()}"
    return headers


def _reason(status: int) -> FallbackReason:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return FallbackReason.RATE_LIMITED
    retried = status in TRY_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return FallbackReason.ERROR if retried else FallbackReason.REFUSED


def parse_retry_after(header: str, now: datetime) -> float:
    """Seconds from `now` (RFC 9110 10.2.3: seconds or a date); 0 for none, for the past and for nonsense."""
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0
