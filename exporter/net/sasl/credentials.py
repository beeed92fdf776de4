"""The credentials of a session, read before any server text, which could repeat them from an
earlier session."""

from exporter.config.proxy import Proxy
from exporter.config.types import Secret, SecretUnavailable
from exporter.net.redaction import Redaction


class Credentials:
    """The password, read once, since its file may be a pipe; or a token. The session's redaction
    hides both, and the password of a proxy."""

    def __init__(
        self,
        user: str = "",
        password: Secret | None = None,
        token: str = "",
        proxy: Proxy | None = None,
    ) -> None:
        self.redaction = Redaction()
        self._problem: SecretUnavailable | None = None
        self._password = ""
        try:
            self._password = password.reveal() if password else ""
        except SecretUnavailable as error:  # reported if it is needed
            self._problem = error
        self.redaction.learn_login(user, self._password)
        self.redaction.learn(token)
        if proxy and proxy.password:
            self.redaction.learn(proxy.password)
            self.redaction.learn_word(proxy.basic)

    def reveal(self) -> str:
        """The password; empty if there is none. Raises SecretUnavailable."""
        if self._problem:
            raise self._problem
        return self._password
