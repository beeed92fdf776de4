"""Servers of the lab that can be held up at any word."""

from collections.abc import Iterator

import pytest

from tests.lab.client import Lab
from tests.support.interposer import Interposer


@pytest.fixture
def smtp(lab: Lab) -> Iterator[Interposer]:
    interposer = Interposer((lab.relay_ip, 25))
    yield interposer
    interposer.close()


@pytest.fixture
def imap(lab: Lab) -> Iterator[Interposer]:
    interposer = Interposer((lab.imap_ip, 143))
    yield interposer
    interposer.close()
