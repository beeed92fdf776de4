"""Records of SPF."""

import pytest

from exporter.authentication.spf.record import RecordInvalid, record_of


def test_a_long_record_is_invalid() -> None:
    with pytest.raises(RecordInvalid, match="8192"):
        record_of("v=spf1 " + "ip4:192.0.2.1 " * 1000)
