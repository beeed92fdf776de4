"""The subject of a certificate, read from its DER form (RFC 5280 section 4.1.2.6)."""

from exporter.core.one_line import one_line
from exporter.net.tls.der import elements_of, end_of, validity_of

LONGEST = 200  # characters
_NAMES = {  # RFC 4514 section 3, and the address in old certificates (RFC 2985)
    bytes.fromhex("550403"): "CN",
    bytes.fromhex("55040a"): "O",
    bytes.fromhex("55040b"): "OU",
    bytes.fromhex("550407"): "L",
    bytes.fromhex("550408"): "ST",
    bytes.fromhex("550406"): "C",
    bytes.fromhex("0992268993f22c640119"): "DC",
    bytes.fromhex("0992268993f22c640101"): "UID",
    bytes.fromhex("2a864886f70d010901"): "emailAddress",
}
_BMP = 0x1E  # a string of UTF-16


def subject_of(certificate: bytes) -> str:
    """Its distinguished name, cut, in its own order. Raises IndexError and ValueError."""
    begin = end_of(certificate, validity_of(certificate))
    ((_, name),) = elements_of(certificate[begin : end_of(certificate, begin)])
    parts = [
        part
        for _, relative in elements_of(name)
        for _, attribute in elements_of(relative)
        for part in [_part(*elements_of(attribute))]
    ]
    return one_line(", ".join(parts), LONGEST) or "(empty)"


def _part(kind: tuple[int, bytes], value: tuple[int, bytes]) -> str:
    tag, text = value
    words = text.decode("utf-16-be" if tag == _BMP else "utf-8", "replace")
    return f"{_NAMES.get(kind[1], '?')}={words}"
