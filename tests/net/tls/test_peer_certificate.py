"""What a server's certificate says."""

import pytest

from exporter.net.tls.peer_certificate import issuer_of, lines_about, names_of, serial_of

CA = ((("countryName", "US"),), (("organizationName", "Let's Encrypt"),), (("commonName", "R11"),))
LEAF = ((("commonName", "mx.example.org"),),)


def info(**changed: object) -> dict[str, object]:
    return {
        "subject": LEAF,
        "issuer": CA,
        "subjectAltName": (("DNS", "mx.example.org"), ("IP Address", "192.0.2.1")),
        "notBefore": "Jan  5 09:34:43 2026 GMT",
        "notAfter": "Apr  5 09:34:42 2026 GMT",
    } | changed


def test_it_says_whose_it_is_who_issued_it_for_which_names_and_until_when() -> None:
    assert list(lines_about(info(), 2)) == [
        "-- certificate of the server: CN=mx.example.org",
        "-- issued by: C=US, O=Let's Encrypt, CN=R11; certificates that the server sent: 2",
        "-- for the names: mx.example.org, 192.0.2.1",
        "-- valid from 2026-01-05 09:34 until 2026-04-05 09:34 UTC",
    ]


def test_its_names_are_those_of_hosts_and_addresses() -> None:
    names = (
        ("DNS", "*.example.org"),
        ("IP Address", "2001:DB8:0:0:0:0:0:1\n"),
        ("email", "a@example.org"),
        ("DirName", ((("commonName", "x"),),)),
        ("IP Address", "<invalid>"),
    )
    known = ["*.example.org", "2001:db8::1", "<invalid>"]
    assert names_of(info(subjectAltName=names)) == (known, 0)


@pytest.mark.parametrize(
    ("number", "shown"), [("03A1FF", "03a1ff"), ("F" * 5000, "f" * 39 + "…"), (7, "7")]
)
def test_its_issuer_and_its_serial_number_are_short(number: object, shown: str) -> None:
    assert issuer_of(info()) == "C=US, O=Let's Encrypt, CN=R11"
    assert serial_of(info(serialNumber=number)) == shown
    assert (issuer_of({}), serial_of({})) == ("(empty)", "")


def test_one_that_is_its_own_issuer_is_self_signed() -> None:
    (_, issuer, *_) = lines_about(info(issuer=LEAF), 1)
    assert "CN=mx.example.org, by itself;" in issuer


def test_it_may_say_next_to_nothing() -> None:
    assert list(lines_about({}, 1)) == [
        "-- certificate of the server: (empty)",
        "-- issued by: (empty); certificates that the server sent: 1",
        "-- for the names: none",
        "-- valid from ? until ? UTC",
    ]


def test_a_certificate_of_an_attacker_is_cut_and_stays_on_its_lines() -> None:
    owner = ((("commonName", "x\r\n250 OK\x1b[2J" + "y" * 5000),),) * 50
    names = tuple(("DNS", f"{n}.{'z' * 500}\n") for n in range(5000))
    lines = list(lines_about(info(subject=owner, issuer=owner, subjectAltName=names), 99))
    assert len(lines) == 4
    assert all(line.isprintable() and len(line) < 1000 for line in lines)
    assert lines[2].endswith(", and 4990 more")
    odd = info(notAfter="Dec 31 23:59:59 9999999 GMT", notBefore="x" * 500)
    assert all(len(line) < 250 for line in lines_about(odd, 1))
