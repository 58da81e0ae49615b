"""What an operator says of the language model, and the limits within which it is asked."""

from dataclasses import dataclass, field

from pydantic import SecretStr

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """Seconds, bytes and characters. `total_seconds` covers everything, retries and waiting included."""

    connect_seconds: float = 5.0
    read_seconds: float = 45.0
    total_seconds: float = 60.0
    tries: int = 3
    first_pause_seconds: float = 0.5
    # A streamed token takes some 300 bytes, and a reasoning model streams its thoughts too.
    wire_bytes: int = 4 * MIB
    answer_characters: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """`base_url` ends before `/chat/completions`; `concurrency` is how many calls may be open at once."""

    base_url: str
    model: str
    api_key: SecretStr | None = None
    context_tokens: int = 8192
    temperature: float | None = None
    concurrency: int = 8
    limits: ProviderLimits = field(default_factory=ProviderLimits)
