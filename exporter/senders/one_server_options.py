"""What senders to one server have in common in their options."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from exporter.config.address import PLACEHOLDER, EhloName, check_filled, check_host
from exporter.config.server import AccessOptions, ForPassword
from exporter.senders.options import SenderOptions

Auth = Literal["login", "plain", ForPassword, "xoauth2", "oauthbearer", "external", "none"]


class OneServerOptions(AccessOptions, SenderOptions):
    """How a client introduces itself to the server, and logs in."""

    auth: Auth | None = None
    """The only mechanism that is used. Default: the first of plain, login, scram-sha-256,
    scram-sha-512, scram-sha-1, cram-md5 that the server offers; with `oauth2` the first of
    oauthbearer, xoauth2. The `-plus` mechanisms bind the login to its TLS session: up to TLS 1.2
    they come before the other SCRAM mechanisms (tls-unique), and with TLS 1.3 after all others
    (tls-server-end-point). With `client_certificate` and no `password` it is external, if the
    server offers that; `none` presents the certificate without a login. NTLM and GSSAPI are not
    supported."""

    ehlo_name: EhloName | None = None
    """The name for EHLO. Default: the name of this machine."""

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.senders.one_server",)

    def check_target(self, target: str) -> None:
        if PLACEHOLDER in self.template:
            check_filled("host", check_host, self.template, target)

    def needs_target(self, recipient: str) -> bool:
        return PLACEHOLDER in self.template

    @classmethod
    def _of_certificates(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._of_certificates(given)
        if given.get("auth") == "none" and given.get("username") is not None:
            yield "auth: none excludes username"

    @property
    def logs_in(self) -> bool:
        return self.auth != "none" and super().logs_in
