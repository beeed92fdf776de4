"""An identity provider on loopback: HTTPS, signed tokens, introspection (RFC 7662), and
misbehaviour on demand.

What it is shown is judged with joserfc, what it issues is signed with it: another library than the
one that is tested.
"""

import asyncio
import ssl
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Any
from uuid import uuid4

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.support.left_behind import open_files, until

CLIENT, SECRET, TENANT = "mailtrip-client", "the secret of the client", "lab.test"
REFRESH = "the refresh token of a person"
FEDERATED = "a token of the platform"
KEY = OctKey.import_key(b"k" * 32)


@dataclass
class IdentityProvider:
    """The levers, and what was asked. `users` are those who have a mailbox that tokens are good
    for."""

    lifetime: float = 3600.0
    ahead: float = 0.0  # seconds by which its clock is ahead
    user: str = "probe"  # of client_credentials
    down: bool = False  # it answers 503
    rotates: bool = False  # refresh tokens
    rotates_to: str = ""  # this one, if it is not a new one each time
    certificate: bytes = b""  # PEM, of the client
    service_account: bytes = b""  # its public key, PEM
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    introspected: int = 0
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    clients: int = 0  # that wait
    claims: tuple[str, ...] = ("sub", "iat", "exp", "jti")  # of its tokens
    date: str = ""  # that it tells, unless by its clock
    instead: Any = None  # what it answers whatever is asked: (status, body)

    def __post_init__(self) -> None:
        self.let_go.set()

    @property
    def now(self) -> float:
        return time.time() + self.ahead

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        await self.let_go.wait()
        if self.instead:
            status, body = self.instead
            return web.Response(status=status, text=body, headers=self._date())
        if self.down:
            return web.Response(status=503, text="<h1>out of order</h1>")
        if request.match_info["tenant"] != TENANT:
            return self._no(
                "invalid_request",
                "AADSTS90002: Tenant 'x' not found.\r\nTrace ID: 1\r\nTimestamp: 2",
            )
        try:
            user = self._judge(form, str(request.url))
        except ValueError as error:
            code, words = error.args
            return self._no(code, words)
        return self._issue(user)

    def _date(self) -> dict[str, str]:
        return {
            "Date": self.date or time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.now))
        }

    def _no(self, code: str, words: str) -> web.Response:
        body = {"error": code, "error_description": words}
        return web.json_response(
            body, status=401 if code == "invalid_client" else 400, headers=self._date()
        )

    def _judge(self, form: dict[str, str], url: str) -> str:
        grant = form.get("grant_type", "")
        if grant.endswith("jwt-bearer"):
            key = RSAKey.import_key(self.service_account)
            claims = self._claims(form["assertion"], key, ["RS256"], url)
            return str(claims["sub"])
        if grant == "refresh_token":
            if form["refresh_token"] != REFRESH and form["refresh_token"] not in self.issued:
                raise ValueError("invalid_grant", "Token has been expired or revoked.")
            return self.user
        if grant != "client_credentials":
            raise ValueError("unsupported_grant_type", grant)
        if "client_secret" in form and form["client_secret"] != SECRET:
            raise ValueError(
                "invalid_client",
                f"AADSTS7000215: Invalid client secret provided: {form['client_secret']}.\r\nTrace"
                " ID: 1",
            )
        if form.get("client_assertion", FEDERATED) != FEDERATED:
            self._client(form["client_assertion"], url)
        return self.user

    def _client(self, assertion: str, url: str) -> None:
        leaf = x509.load_pem_x509_certificate(self.certificate)
        public = leaf.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        kind = ECKey if b"EC" in type(leaf.public_key()).__name__.encode() else RSAKey
        header = jwt.decode(
            assertion, kind.import_key(public), algorithms=["PS256", "RS256", "ES256"]
        ).header
        if urlsafe_b64decode(header["x5t#S256"] + "=") != leaf.fingerprint(SHA256()):
            raise ValueError("invalid_client", "AADSTS700027: certificate not registered")
        claims = self._claims(assertion, kind.import_key(public), ["PS256", "RS256", "ES256"], url)
        if claims["iss"] != CLIENT or claims["sub"] != CLIENT:
            raise ValueError("invalid_client", "somebody else")

    def _claims(self, assertion: str, key: Any, algorithms: list[str], url: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(assertion, key, algorithms=algorithms).claims
        except JoseError as error:
            raise ValueError("invalid_grant", f"bad signature: {error}") from None
        if claims["aud"] != url:
            raise ValueError("invalid_grant", f"meant for {claims['aud']}")
        if not claims["iat"] - 5 <= self.now <= claims["exp"]:
            raise ValueError(
                "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)"
            )
        return claims

    def _issue(self, user: str) -> web.Response:
        claims = {
            "sub": user,
            "iat": int(self.now),
            "exp": ceil(self.now + self.lifetime),
            "jti": str(uuid4()),
        }
        claims = {name: claims[name] for name in self.claims}
        value = jwt.encode({"alg": "HS256"}, claims, KEY)
        self.issued.append(value)
        body = {"token_type": "Bearer", "access_token": value, "expires_in": self.lifetime}
        if self.rotates:
            self.issued.append(self.rotates_to or f"refresh {uuid4()}")
            body["refresh_token"] = self.issued[-1]
        return web.json_response(body)

    async def introspect(self, request: web.Request) -> web.Response:
        """Also takes the token in the path, as Dovecot's `tokeninfo_url` and `introspection_mode =
        post` do."""
        self.introspected += 1
        value = str((await request.post()).get("token", ""))
        try:
            claims = jwt.decode(value, KEY, algorithms=["HS256"]).claims
        except (JoseError, ValueError):
            return web.json_response({"active": False})
        good = value not in self.revoked and claims["exp"] > self.now
        return web.json_response(
            {"active": good, **({"username": claims["sub"], **claims} if good else {})}
        )


@asynccontextmanager
async def serving(
    tls: ssl.SSLContext, host: str = "127.0.0.1", port: int = 0, **levers: Any
) -> AsyncIterator[IdentityProvider]:
    """It runs, and its certificate is that of `tls`."""
    identity, before = IdentityProvider(**levers), open_files()
    application = web.Application()
    application.router.add_post("/{tenant}/oauth2/v2.0/token", identity.token)
    application.router.add_post("/introspect", identity.introspect)
    runner = web.AppRunner(application, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
        identity.url = f"https://{host}:{runner.addresses[0][1]}/{TENANT}/oauth2/v2.0/token"
        yield identity
    finally:
        identity.let_go.set()
        await runner.cleanup()
        with suppress(TimeoutError):  # connections with TLS end a moment later
            await until(lambda: open_files() <= before, 0.1)
