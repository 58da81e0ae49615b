"""Why the provider did not write a summary: the closed list that `fallback_reason` publishes."""

from collections.abc import Mapping
from enum import StrEnum


class FallbackReason(StrEnum):
    """`not_asked`: the page's own description stands in for a text of under 80 words."""

    UNCONFIGURED = "provider_unconfigured"
    NOT_ASKED = "provider_not_asked"
    UNREACHABLE = "provider_unreachable"
    TIMEOUT = "provider_timeout"
    RATE_LIMITED = "provider_rate_limited"
    REFUSED = "provider_refused"
    ERROR = "provider_error"
    INVALID_ANSWER = "provider_invalid_answer"
    UNFAITHFUL = "provider_unfaithful"


class ProviderError(Exception):
    """`internal` is for the log. It never holds what the provider said: some repeat the key they refuse.

    `usage` is what an answer cost that we could not use.
    """

    def __init__(
        self, reason: FallbackReason, internal: str = "", *, usage: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(reason, internal)
        self.reason = reason
        self.internal = internal
        self.usage = usage
