"""An OpenID provider on 127.0.0.1 that really signs its tokens, and can lie; GitHub and Google too.

`visit` is what a browser does there: it consents, and is sent back. All that the service asks for goes over a
real socket. `Rerouted` sends there what is meant for github.com and its like.
"""

import asyncio
import hmac
import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typing_extensions import override

CLIENT_ID, CLIENT_SECRET = "precis", "a secret between the two of us"
KID, EC_KID = "key-1", "key-2"
ABSENT = object()

Json = dict[str, Any]  # Any: JSON values
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(name: str = KID, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Another for every name; once a process, as each takes a tenth of a second."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str = EC_KID) -> ec.EllipticCurvePrivateKey:
    del name
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: PrivateKey, kid: str, **members: str) -> Json:
    if isinstance(key, rsa.RSAPrivateKey):
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": kid, "use": "sig", **members}


def public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _segment(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def token_by_hand(header: Json, claims: Json, sign: Callable[[bytes], bytes]) -> str:
    """What no library would sign."""
    parts = f"{_segment(json.dumps(header).encode())}.{_segment(json.dumps(claims).encode())}"
    return f"{parts}.{_segment(sign(parts.encode()))}"


def signed(claims: Json, *, key: PrivateKey | None = None, kid: str | None = KID, **header: Any) -> str:
    """Whatever the claims; `header` are members of its own. Any: JSON values."""
    key = key or rsa_key()
    name = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    members = {"alg": name, "typ": "JWT", **({"kid": kid} if kid else {}), **header}
    return token_by_hand(members, claims, lambda data: jwt.get_algorithm_by_name(name).sign(data, key))


def unsigned(claims: Json) -> str:
    return token_by_hand({"alg": "none", "typ": "JWT", "kid": KID}, claims, lambda _: b"")


def signed_with_client_secret(claims: Json) -> str:
    header = {"alg": "HS256", "typ": "JWT", "kid": KID}
    return token_by_hand(header, claims, lambda data: hmac.digest(CLIENT_SECRET.encode(), data, "sha256"))


def signed_with_public_key(claims: Json) -> str:
    header = {"alg": "HS256", "typ": "JWT", "kid": KID}
    return token_by_hand(header, claims, lambda data: hmac.digest(public_pem(rsa_key()), data, "sha256"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the service made. `form` and `credentials` are decoded."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


# The authorization request that a code was given for.
Consent = dict[str, str]
Handler = Callable[[Asked], Awaitable[tuple[int, object]]]


@dataclass(slots=True)
class OpenIdStub:
    """`account` is who sits at the browser. The other fields are its lies."""

    port: int = 0
    account: Json = field(
        default_factory=lambda: {
            "sub": "1001",
            "email": "dora@example.org",
            "email_verified": True,
            "name": "Dora",
        }
    )
    proved_ago: int = 0
    claims: Json = field(default_factory=dict)
    make_token: Callable[[Json], str | None] = signed
    keys: list[Json] = field(
        default_factory=lambda: [public_jwk(rsa_key(), KID), public_jwk(ec_key(), EC_KID)]
    )
    configuration: Json = field(default_factory=dict)
    userinfo: Json | None = None
    github: Json = field(default_factory=lambda: {"id": 7, "login": "Dora-Codes", "name": "Dora"})
    emails: object = field(
        default_factory=lambda: [{"email": "dora@example.org", "primary": True, "verified": True}]
    )
    answers: dict[str, tuple[int, object]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    _codes: dict[str, Consent] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def tell_the_truth(self) -> None:
        """From here on, about everything."""
        honest = OpenIdStub()
        for name in (
            "claims",
            "make_token",
            "keys",
            "configuration",
            "userinfo",
            "answers",
            "silent",
            "proved_ago",
        ):
            setattr(self, name, getattr(honest, name))

    def visit(self, authorization_url: str) -> dict[str, str]:
        """The callback's parameters after consenting there."""
        query = dict(parse_qsl(urlsplit(authorization_url).query, strict_parsing=True))
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return {"code": code, "state": query["state"]}

    async def answer(self, asked: Asked) -> tuple[int, object]:
        self.asked.append(asked)
        path = asked.path.partition("?")[0]
        if path in self.silent:
            await asyncio.sleep(60)
        if path in self.answers:
            return self.answers[path]
        pages: dict[str, Callable[[Asked], tuple[int, object]]] = {
            "/.well-known/openid-configuration": self._discover,
            "/token": self._token,
            "/jwks": lambda _: (200, {"keys": self.keys}),
            "/userinfo": lambda _: (200, self.userinfo),
            "/oauth2.googleapis.com/token": self._token,
            "/www.googleapis.com/oauth2/v3/certs": lambda _: (200, {"keys": self.keys}),
            "/github.com/login/oauth/access_token": self._github_token,
            "/api.github.com/user": lambda _: (200, self.github),
            "/api.github.com/user/emails": lambda _: (200, self.emails),
        }
        return pages[path](asked) if path in pages else (404, {})

    def _discover(self, _asked: Asked) -> tuple[int, object]:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
        merged = {**document, **self.configuration}
        return 200, {name: value for name, value in merged.items() if value is not ABSENT}

    def _token(self, asked: Asked) -> tuple[int, object]:
        consent = self._redeem(asked)
        if consent is None:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": consent["client_id"], "iat": now, "exp": now + 300}
        # It tells only who asks.
        if "max_age" in consent or "auth_time" in consent.get("claims", ""):
            claims["auth_time"] = now - self.proved_ago
        merged = {**claims, "nonce": consent.get("nonce"), **self.account, **self.claims}
        told = {name: value for name, value in merged.items() if value is not ABSENT}
        answer: Json = {"access_token": "at-" + secrets.token_urlsafe(8), "token_type": "Bearer"}
        return 200, {**answer, "expires_in": 300, "id_token": self.make_token(told)}

    def _github_token(self, asked: Asked) -> tuple[int, object]:
        if self._redeem(asked) is None:
            return 200, {"error": "bad_verification_code"}
        return 200, {"access_token": "gho_something", "token_type": "bearer", "scope": "user:email"}

    def _redeem(self, asked: Asked) -> Consent | None:
        """Once; with the verifier, the address and the credentials that belong to it."""
        form = asked.form
        consent = self._codes.pop(form.get("code", ""), None)
        if consent is None or _credentials(asked) != (consent["client_id"], CLIENT_SECRET):
            return None
        challenge = _segment(sha256(form.get("code_verifier", "").encode()).digest())
        proof = consent["code_challenge"], consent["redirect_uri"]
        return consent if (challenge, form["redirect_uri"]) == proof else None


def _credentials(asked: Asked) -> tuple[str, str]:
    basic = asked.headers.get("authorization", "").removeprefix("Basic ")
    if basic:
        name, _, secret = b64decode(basic).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)
    return asked.form.get("client_id", ""), asked.form.get("client_secret", "")


@asynccontextmanager
async def serve_openid() -> AsyncIterator[OpenIdStub]:
    stub = OpenIdStub()

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled: the test is over. A stream server reports that as a fault, so it ends here.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.write(_render(*await stub.answer(await _read(reader))))
            await writer.drain()
        writer.close()
        with suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()

    before = asyncio.all_tasks()
    server = await asyncio.start_server(on_connect, "127.0.0.1", 0)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()
        late = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = head[0].split(" ")
    return Asked(method, path, headers, dict(parse_qsl(body.decode())))


def _render(status: int, body: object) -> bytes:
    """`body`: JSON, or bytes that stand for the whole answer."""
    if isinstance(body, bytes):
        return body
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"{head}Connection: close\r\nSet-Cookie: theirs=1\r\n\r\n".encode() + content


class Rerouted(httpx.AsyncBaseTransport):
    """What is meant for another machine goes to the stub, with that machine's name before the path."""

    def __init__(self, stub: OpenIdStub) -> None:
        self._stub = stub
        self._inner = httpx.AsyncHTTPTransport(trust_env=False)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "127.0.0.1":
            target = f"{self._stub.issuer}/{request.url.host}{request.url.raw_path.decode()}"
            request = httpx.Request(
                request.method, target, headers=request.headers, content=await request.aread()
            )
        return await self._inner.handle_async_request(request)

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()
