"""Names of folders on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.imap.names import decode_folder, encode_folder, uid_set


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("INBOX", "INBOX"),
        ("Entwürfe", "Entw&APw-rfe"),
        ("R&D", "R&-D"),
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501 section 5.1.3
        ("a\r\nb", "a&AA0ACg-b"),
    ],
)
def test_folders_are_named_in_modified_utf7(name: str, wire: str) -> None:
    assert encode_folder(name) == wire
    assert decode_folder(wire) == name


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_survives_the_wire(name: str) -> None:
    assert encode_folder(name).isascii()
    assert decode_folder(encode_folder(name)) == name


@pytest.mark.parametrize("wire", ["&", "&AAA", "&A-", "&2AA-", "Entwürfe"])
def test_a_name_that_is_no_modified_utf7_stays_as_it_is(wire: str) -> None:
    assert decode_folder(wire) == wire


def test_a_set_of_uids_names_these_and_no_others() -> None:
    assert uid_set([7, 1, 2, 3, 9, 10]) == "1:3,7,9:10"
    assert uid_set([5]) == "5"


@given(st.sets(st.integers(1, 60), min_size=1))
def test_a_set_of_uids_can_be_taken_apart_again(uids: set[int]) -> None:
    ranges = [[int(end) for end in one.split(":")] for one in uid_set(uids).split(",")]
    assert {uid for one in ranges for uid in range(one[0], one[-1] + 1)} == uids
