"""The second table of docs/faults.md: what happens every day and must raise no alarm."""

from collections.abc import Mapping, Sequence

from tests.atlas.harmless_mailbox import MAILBOX
from tests.atlas.harmless_process import PROCESS
from tests.atlas.harmless_transit import LEAVING, TRANSIT
from tests.atlas.table import Disturbance

DISTURBANCES: Mapping[str, Sequence[Disturbance]] = {
    "On the way out": LEAVING,
    "On the way": TRANSIT,
    "At the mailbox": MAILBOX,
    "On this machine": PROCESS,
}
