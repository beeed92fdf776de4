"""What the options of each kind of check answer."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

from exporter.blocklists.options import BlockListOptions
from exporter.config.types import Options
from exporter.core.scope import Scope
from exporter.mailboxes import MailboxOptions


class CheckKind(Options):
    """The options of one kind of check, with the answers of a kind that says nothing else."""

    defaults: ClassVar[Mapping[str, str]] = {}
    """The options of a module whose defaults are different for this kind."""

    confirms: ClassVar[bool] = False
    """Whether a failure is confirmed soon by another trip if nothing is configured."""

    @property
    def gap(self) -> float:
        """The minimum number of seconds between two messages of its sender."""
        return 0.0

    @property
    def own_target(self) -> str:
        """The target of a probe that needs none; empty if it needs one."""
        return ""

    @property
    def mailboxes(self) -> Iterable[str]:
        """The mailboxes that it names."""
        return ()

    @property
    def queried(self) -> Iterable[tuple[BlockListOptions, bool]]:
        """The blocklists that it queries, and whether about domains."""
        return ()

    def check_pattern(self, pattern: str) -> None:
        """Raises ValueError if its trips must not go to whatever this pattern matches, which has a
        wildcard."""

    @abstractmethod
    def canonical(self, target: str) -> str:
        """The canonical form of a target. Raises ValueError with a line for administrators if it is
        invalid."""

    @abstractmethod
    def scope(self, mailboxes: Mapping[str, MailboxOptions]) -> Scope:
        """What can happen in a trip. `mailboxes` are all of them, by name."""
