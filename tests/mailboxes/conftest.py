"""The rig that a contract test runs on; see rigs.py."""

from collections.abc import Iterator

import pytest

from tests.support.mailbox_rig import MailboxRig


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Iterator[MailboxRig]:
    rig: MailboxRig = request.param(request)
    yield rig
    rig.close()
