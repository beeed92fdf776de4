"""`mailtrip status`: how the probes of a running mailtrip do."""

from exporter.commands.status.command import REFUSALS as REFUSALS
from exporter.commands.status.command import run as run
