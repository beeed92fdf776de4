"""The options of our DNS resolver."""

from pydantic import Field

from exporter.config.address import Nameserver
from exporter.config.types import Duration, Options

DEFAULT_TIMEOUT = 5.0  # seconds for one question, all servers and repetitions together


class ResolverOptions(Options):
    """DNS resolver. Answers are not cached, so that every trip measures resolution."""

    nameservers: list[Nameserver] = Field(default_factory=list)
    """The servers to query, in this order. Default: those of `/etc/resolv.conf`, which is reloaded
    when it changes."""

    timeout: Duration = DEFAULT_TIMEOUT
    """Time limit for one lookup, including all servers and retries."""
