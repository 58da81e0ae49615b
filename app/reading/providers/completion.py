"""An OpenAI-compatible answer, streamed or whole, as the text it holds. Nothing in it is taken on trust."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.reading.providers.errors import FallbackReason, ProviderError

TOKEN_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
LONGEST_MODEL_NAME = 200
MOST_TOKENS = 2**53
DATA = b"data:"
DONE = b"[DONE]"
Json = Mapping[str, Any]  # Any: a stranger's JSON, read by `_as_object` and kin only


@dataclass(frozen=True, slots=True)
class Completion:
    text: str
    model: str | None
    usage: dict[str, int] | None


@dataclass(slots=True)
class Draft:
    """What has arrived so far."""

    most_characters: int
    model: str | None = None
    usage: dict[str, int] | None = None
    finish_reason: str | None = None
    refused: bool = False
    _parts: list[str] = field(default_factory=list)
    _characters: int = 0

    def add(self, payload: Json, *, part: str) -> None:
        """`part`: "message" of a whole answer, "delta" of a chunk."""
        if payload.get("error"):
            raise ProviderError(FallbackReason.ERROR, "an error inside the answer")
        self.model = self.model or _model(payload.get("model"))
        self.usage = _usage(payload.get("usage")) or self.usage
        choices = payload.get("choices")
        choice = _as_object(choices[0]) if isinstance(choices, list) and choices else {}
        message = _as_object(choice.get(part))
        self.refused = self.refused or bool(message.get("refusal"))
        self._append(message.get("content"))
        if isinstance(reason := choice.get("finish_reason"), str):
            self.finish_reason = reason

    def _append(self, content: object) -> None:
        if not isinstance(content, str):
            return
        self._characters += len(content)
        if self._characters > self.most_characters:
            raise self._unusable(FallbackReason.INVALID_ANSWER, "too long an answer")
        self._parts.append(content)

    def finished(self) -> Completion:
        """Raises ProviderError where it is no whole answer."""
        if self.refused or self.finish_reason == "content_filter":
            raise self._unusable(FallbackReason.REFUSED, "the model refused")
        if self.finish_reason == "length":
            raise self._unusable(FallbackReason.INVALID_ANSWER, "cut off by the provider's limit")
        text = "".join(self._parts)
        if self.finish_reason is None or not text.strip():
            raise self._unusable(FallbackReason.INVALID_ANSWER, "an empty or broken-off answer")
        return Completion(text, self.model, self.usage)

    def _unusable(self, reason: FallbackReason, internal: str) -> ProviderError:
        return ProviderError(reason, internal, usage=self.usage)


def read_whole(body: bytes, draft: Draft) -> Completion:
    draft.add(_parsed(body), part="message")
    return draft.finished()


async def read_stream(chunks: AsyncIterator[bytes], draft: Draft) -> Completion:
    """Server-sent events with one JSON chunk each, up to "[DONE]" or the end."""
    async for line in _lines(chunks):
        if not line.startswith(DATA):
            continue  # a comment that keeps the connection open, or a field that we do not use
        data = line.removeprefix(DATA).strip()
        if data == DONE:
            break
        draft.add(_parsed(data), part="delta")
    return draft.finished()


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    pending = bytearray()
    async for chunk in chunks:
        pending += chunk
        if b"\n" not in chunk:
            continue
        *lines, rest = bytes(pending).split(b"\n")
        pending = bytearray(rest)
        for line in lines:
            yield line.strip()
    yield bytes(pending).strip()


def _parsed(data: bytes) -> Json:
    try:
        return _as_object(json.loads(data), required=True)
    except (ValueError, RecursionError) as error:
        raise ProviderError(FallbackReason.INVALID_ANSWER, "no JSON object") from error


def _as_object(value: object, *, required: bool = False) -> Json:
    if isinstance(value, dict):
        return value
    if required:
        raise ValueError("no object")
    return {}


def _model(name: object) -> str | None:
    return name[:LONGEST_MODEL_NAME] if isinstance(name, str) and name.isprintable() and name else None


def _usage(counts: object) -> dict[str, int] | None:
    given = _as_object(counts)
    usage = {name: given[name] for name in TOKEN_COUNTS if _is_count(given.get(name))}
    return usage or None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
