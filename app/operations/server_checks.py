"""Of Redis and the mail server."""

import re
from collections.abc import Awaitable

import aiosmtplib
from redis.asyncio import Redis

from app.operations.findings import Finding, fault, sound, warning
from app.settings import Settings

OLDEST_REDIS = 7
CONNECT_SECONDS = 5


async def check_redis(settings: Settings) -> list[Finding]:
    redis = Redis.from_url(
        settings.redis_url,
        socket_timeout=CONNECT_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        driver_info=None,
    )
    try:
        server = await _info(redis, "server")
        memory = await _info(redis, "memory")
        replication = await _info(redis, "replication")
    finally:
        await redis.aclose()
    return [*_version(server), *_memory(memory), *_role(replication)]


async def _info(redis: Redis, section: str) -> dict[str, object]:
    answer: Awaitable[dict[str, object]] = redis.info(section)
    return await answer


def _version(server: dict[str, object]) -> list[Finding]:
    version = str(server.get("valkey_version") or server.get("redis_version") or "?")
    name = "Valkey" if "valkey_version" in server else "Redis"
    major = re.match(r"\d+", version)
    if major is None or int(major[0]) < OLDEST_REDIS:
        return [fault("redis", f"{name} {version}", f"Use {OLDEST_REDIS} or later.")]
    return [sound("redis", f"{name} {version} answers")]


def _memory(memory: dict[str, object]) -> list[Finding]:
    """A full Redis that evicts nothing refuses every write."""
    if not memory.get("maxmemory"):
        return [warning("redis memory", "has no limit", "Set maxmemory, and maxmemory-policy allkeys-lru.")]
    policy = str(memory.get("maxmemory_policy"))
    if policy == "noeviction":
        return [warning("redis memory", "evicts nothing", "Set maxmemory-policy allkeys-lru.")]
    return [sound("redis memory", f"limited, {policy}")]


def _role(replication: dict[str, object]) -> list[Finding]:
    if replication.get("role") in {"slave", "replica"}:
        return [fault("redis role", "is a replica, which takes no writes", "Name the primary in REDIS_URL.")]
    return []


async def check_mail(settings: Settings) -> list[Finding]:
    """Up to the login; sends nothing."""
    if settings.smtp_host is None:
        advice = "Set SMTP_HOST: addresses cannot be confirmed, nor passwords reset."
        return [warning("mail", "is not configured", advice)]
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        timeout=CONNECT_SECONDS,
        use_tls=settings.smtp_security == "tls",
        start_tls=settings.smtp_security == "starttls",
    )
    async with client:
        if settings.smtp_username and settings.smtp_password:
            await client.login(settings.smtp_username, settings.smtp_password.get_secret_value())
    return [sound("mail", f"{settings.smtp_host} lets us in ({settings.smtp_security})")]
