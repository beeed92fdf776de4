"""A signed zone, dane.test: the exchangers of its domains are all the MX, and their TLSA records
differ."""

import base64
import hashlib
from pathlib import Path

from tests.lab import facts, sts
from tests.lab.rundir import RunDirectory
from tests.lab.shell import run

ZONE, UNSIGNED = "dane.test", "unsigned.dane.test"
LIFETIME = 365 * 86400  # seconds


def make_zone(rundir: RunDirectory) -> None:
    """Signs it once: the resolver would not notice another key."""
    signed = rundir.path("etc/dns", f"{ZONE}.zone")
    if signed.exists():
        return
    keys = rundir.path("keys")
    unsigned = _lines("unsigned", _tlsa(keys / "relay.key"))
    rundir.path("etc/dns", f"{UNSIGNED}.zone").write_text("\n".join(_start(unsigned)))
    records = {
        "good": _tlsa(keys / "mx.key"),
        "anchor": _anchor(keys / "ca.crt"),
        "anchorless": _anchor(keys / "ca.crt"),  # the certificate is not for this name
        "renewed": _tlsa(keys / "relay.key"),
        "either": [*_tlsa(keys / "relay.key"), *_tlsa(keys / "mx.key")],
        "pkix": [f"1 1 1 {'00' * 32}"],
        "none": [],
        "bogus": _tlsa(keys / "mx.key"),
        "full": [f"3 0 0 {_whole(keys / 'mx.good.crt')}"],
        "selector": [f"3 9 1 {'00' * 32}"],  # there is no such selector
        # of two digests the stronger counts, and it is that of another key
        "weaker": [*_tlsa(keys / "mx.key"), f"3 1 2 {'00' * 64}"],
        "covered": _tlsa(keys / "relay.key"),
        "uncovered": _tlsa(keys / "mx.key"),
    }
    lines = [line for name, tlsa in records.items() for line in _lines(name, tlsa)]
    lines += [
        "alias.dane.test. MX 10 mx.alias.dane.test.",
        "mx.alias.dane.test. CNAME mx.good.dane.test.",
        f"{UNSIGNED}. NS ns.lab.test.",
        *(line for name in sts.BELOW_DANE for line in sts.announcement(name)),
    ]
    signed_text, anchor = _signed("\n".join(_start(lines)))
    rundir.path("etc/dns", f"{ZONE}.anchor").write_text(anchor)
    signed.write_text(_broken(signed_text))


def _start(lines: list[str]) -> list[str]:
    soa = "@ SOA ns.lab.test. hostmaster.lab.test. 1 60 30 3600 2"
    return ["$TTL 5", soa, "@ NS ns.lab.test.", *lines, ""]


def _lines(name: str, tlsa: list[str]) -> list[str]:
    domain = f"{name}.dane.test."
    return [
        f"{domain} MX 10 mx.{domain}",
        f"mx.{domain} A {facts.MX_IP}",
        *(f"_25._tcp.mx.{domain} TLSA {record}" for record in tlsa),
    ]


def _tlsa(key: Path) -> list[str]:
    pem = run("openssl", "pkey", "-in", key, "-pubout", "-outform", "PEM")
    return [f"3 1 1 {_digest(pem)}"]


def _anchor(certificate: Path) -> list[str]:
    return [f"2 0 1 {_digest(certificate.read_text())}"]


def _whole(certificate: Path) -> str:
    return _der(certificate.read_text()).hex()


def _digest(pem: str) -> str:
    return hashlib.sha256(_der(pem)).hexdigest()


def _der(pem: str) -> bytes:
    return base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))


def _signed(text: str) -> tuple[str, str]:
    """The signed zone, and the record that a resolver has to trust."""
    # Other commands of the lab have no need to wait for these.
    import dns.dnssec
    import dns.dnssectypes
    import dns.zone
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    zone = dns.zone.from_text(text, f"{ZONE}.", relativize=False)
    key = generate_private_key(SECP256R1())
    public = dns.dnssec.make_dnskey(
        key.public_key(), dns.dnssectypes.Algorithm.ECDSAP256SHA256, flags=257
    )
    with zone.writer() as transaction:
        dns.dnssec.sign_zone(zone, transaction, [(key, public)], lifetime=LIFETIME)
    return zone.to_text(), f"{ZONE}. IN DNSKEY {public.to_text()}\n"


def _broken(zone: str) -> str:
    """With another digest in the record whose signature is to be wrong."""
    lines = zone.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("_25._tcp.mx.bogus ") and " TLSA 3 " in line:
            words = line.split()
            lines[number] = " ".join([*words[:-1], words[-1][::-1]])
    return "\n".join(lines) + "\n"
