"""`mailtrip dkim-key`: makes a key that signs messages, and prints its record for the DNS."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from exporter.commands.exit_status import OK, CannotStart
from exporter.config.address import domain_name, selector
from exporter.core.private_file import open_private
from exporter.net.signatures.signing_key import SigningKey, new_signing_key, read_signing_key

REFUSALS = (CannotStart,)
"""What ends it with one clear line."""

LARGEST = 64 << 10  # bytes of a file that is read
_LONGEST_STRING = 255  # octets of one string of a TXT record (RFC 1035 section 3.3.14)


def run(options: argparse.Namespace) -> int:
    try:
        domain, name = domain_name(options.domain), selector(options.selector)
    except ValueError as error:
        raise CannotStart(str(error)) from None
    file: Path = options.key_file
    key = _existing(file)
    if key:
        print(f"{file} exists: this is the record of the key in it", file=sys.stderr)
    else:
        key = new_signing_key(options.kind, options.bits)
        _write(file, key)
    print("\n".join(_zone(domain, name, key, file)))
    return OK


def _existing(file: Path) -> SigningKey | None:
    try:
        with file.open(encoding="utf-8") as opened:
            return read_signing_key(opened.read(LARGEST))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotStart(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CannotStart(f"{file} exists, and is not a key in PEM format") from None
    except ValueError as error:
        raise CannotStart(f"{file} exists, and the key in it {error}") from None


def _write(file: Path, key: SigningKey) -> None:
    try:
        descriptor = open_private(file, os.O_WRONLY | os.O_EXCL)
        with open(descriptor, "w", encoding="ascii") as opened:
            opened.write(key.pem)
    except OSError as error:
        raise CannotStart(f"cannot write {file}: {error.strerror}") from None


def _zone(domain: str, name: str, key: SigningKey, file: Path) -> Iterator[str]:
    """Lines of a zone file (RFC 1035 section 5); what is not for the DNS is a comment."""
    record = f"v=DKIM1; k={key.kind}; p={key.published}"
    pieces = range(0, len(record), _LONGEST_STRING)
    strings = " ".join(f'"{record[begin : begin + _LONGEST_STRING]}"' for begin in pieces)
    yield f"{name}._domainkey.{domain}. IN TXT ({strings})"
    yield "; When the DNS has this record, add to `roundtrip` of a module:"
    yield f";   dkim: {{domain: {domain}, selector: {name}, key: {{file: {file.resolve()}}}}}"
