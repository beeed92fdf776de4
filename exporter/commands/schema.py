"""`mailtrip schema`: the JSON Schema of the configuration, for editors."""

import argparse
import json

from exporter.commands.exit_status import OK
from exporter.settings import Settings

REFUSALS = ()
"""What ends it with one clear line."""


def run(_: argparse.Namespace) -> int:
    print(json.dumps(Settings.json_schema(), indent=2))
    return OK
