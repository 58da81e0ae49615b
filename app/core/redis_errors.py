"""What may become of a use of Redis. Internal: every caller has a fallback, so no client ever sees one."""


class RedisDownError(Exception):
    """Redis did not answer usefully."""


class RedisBusyError(RedisDownError):
    """This process has too many calls under way already; says nothing about Redis."""


class RedisRefusedError(RedisDownError):
    """It lives and said no: out of memory, or a replica. Commands that need no memory may still work."""
