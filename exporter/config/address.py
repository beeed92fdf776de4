"""Host names, network addresses and e-mail addresses in a configuration: each error with its cure.

`grammar` defines what is valid. International names are kept as written (RFC 5890, RFC 6531); the
trip shows whether a server can handle them.
"""

from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from exporter.config.confusables import ends_oddly, lookalike_in
from exporter.config.grammar import (
    LONGEST_DOMAIN,
    LONGEST_LOCAL,
    LONGEST_PATH,
    domain_of,
    email_of,
    host_of,
    in_unicode,
    ip_of,
    literal_of,
)
from exporter.core.one_line import one_line

PLACEHOLDER = "{target}"
TRIP_PLACE = "{trip}"
TRIP_LENGTH = 38  # characters of what stands for `{trip}`, see mail/tokens.py
_NO_NETWORK = "not a network; write one such as 192.0.2.0/24 or 2001:db8::/32"
_ZONED = "write the address without its zone, from the % on"


def check_url(url: str) -> str:
    """Checks the host and the port of a URL, and returns it unchanged. Raises ValueError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("the host or the port in the URL is not valid") from None
    check_host(host)
    if port == 0:
        raise ValueError("the port in the URL must be between 1 and 65535")
    return url


def check_host(text: str) -> str:
    """Checks the name or address of a host, and returns it unchanged. Raises ValueError with the
    cure."""
    if host_of(text):
        return text
    if PLACEHOLDER in text:
        raise ValueError("`{target}` is not supported here: write the host")
    if "://" in text:
        raise ValueError("not a host; write only its name, without the scheme")
    if _is_zoned(text):
        raise ValueError(f"not a host; {_ZONED}")
    if ip_of(text.partition("[")[2].partition("]")[0]):
        raise ValueError(
            "not a host; write an IPv6 address without brackets, and the port in its own option"
        )
    name, _, port = text.rpartition(":")
    if port.isdecimal() and host_of(name):
        raise ValueError("not a host; write the port in its own option")
    if len(text) > LONGEST_DOMAIN:
        raise ValueError(
            f"not a host; it is longer than the {LONGEST_DOMAIN} characters that the DNS allows"
        )
    raise ValueError(
        "not a host; write a name, such as mail.example.org, or an address, such as"
        f" 192.0.2.1{_odd(text)}"
    )


def check_filled(option: str, check: Callable[[str], str], template: str, target: str) -> None:
    """Checks an option with `{target}` filled in. Raises ValueError that names the option."""
    filled = template.replace(PLACEHOLDER, target)
    try:
        check(filled)
    except ValueError as error:
        raise ValueError(f"{option} would be {one_line(filled, 80)!r}: {error}") from None


def check_email(text: str) -> str:
    """Checks an envelope address (RFC 5321 section 4.1.2, without quoted local parts), and returns
    it unchanged.

    Raises ValueError with the cure.
    """
    if email_of(text):
        return text
    local, _, domain = text.rpartition("@")
    if PLACEHOLDER in text:
        raise ValueError("`{target}` is not supported here: write the address")
    if "<" in text:
        raise ValueError("not an e-mail address; write only the part between < and >")
    if domain.startswith("[") and _is_zoned(domain):
        raise ValueError(f"not an e-mail address; {_ZONED}")
    if domain.startswith("[") and ip_of(domain[1:-1]):
        raise ValueError(f"not an e-mail address; write its domain as [IPv6:{ip_of(domain[1:-1])}]")
    if max(len(text) + 2 - LONGEST_PATH, len(local) - LONGEST_LOCAL) > 0:
        most = f"{LONGEST_LOCAL} characters before the @ and {LONGEST_PATH - 2} in total"
        raise ValueError(f"not an e-mail address; the limit is {most} (RFC 5321)")
    raise ValueError(
        f"not an e-mail address; write it as local@domain, such as probe@example.org{_odd(text)}"
    )


def _odd(text: str) -> str:
    """Invisible characters in it, as the end of a message. The YAML reader reports those at either
    end."""
    odd = "" if ends_oddly(text) else lookalike_in(text)
    return f"; it contains {odd}" if odd else ""


def _is_zoned(text: str) -> bool:
    """Whether this is an IP address with a zone."""
    before, percent, _ = text.lower().removeprefix("[").removeprefix("ipv6:").partition("%")
    return bool(percent and ip_of(before))


def _host_template(text: str) -> str:
    """Checks a host that may contain `{target}`, or be just that: with any name as target it must
    be a host."""
    _only_placeholder(text)
    check_host(text.replace(PLACEHOLDER, "target"))
    return text


def _email_template(text: str) -> str:
    """Checks an address: `{target}` may be the whole address, or part of its domain."""
    _only_placeholder(text)
    if text != PLACEHOLDER:
        check_email(text.replace(PLACEHOLDER, "target"))
    return text


def _trip_template(text: str) -> str:
    """Checks an address whose local part may hold `{trip}`, apart from other letters, so that it
    can be recognised."""
    local, _, domain = text.rpartition("@")
    if TRIP_PLACE not in text:
        return check_email(text)
    before, _, after = local.partition(TRIP_PLACE)
    if TRIP_PLACE in domain or TRIP_PLACE in after or set(before + after) & set("{}"):
        raise ValueError(
            "`{trip}` may stand only before the @, once, such as in probe+{trip}@example.org"
        )
    if before[-1:].isalnum() or after[:1].isalnum():
        raise ValueError(
            "`{trip}` needs a sign between it and letters or digits, such as in"
            " probe+{trip}@example.org"
        )
    if len((before + after).encode()) > LONGEST_LOCAL - TRIP_LENGTH:
        raise ValueError(
            f"not an e-mail address; beside `{{trip}}`, which becomes {TRIP_LENGTH} characters,"
            f" there may be {LONGEST_LOCAL - TRIP_LENGTH} characters before the @ (RFC 5321)"
        )
    check_email(text.replace(TRIP_PLACE, "x" * TRIP_LENGTH))
    return text


def _only_placeholder(text: str) -> None:
    if set(text.replace(PLACEHOLDER, "")) & set("{}"):
        raise ValueError("the only placeholder is `{target}`, with one brace on either side")


def _ip_address(text: str) -> str:
    if not (address := ip_of(text)):
        cure = _ZONED if _is_zoned(text) else "write one such as 192.0.2.1 or 2001:db8::1"
        raise ValueError(f"not an IP address; {cure}")
    return str(address)


def nameserver(text: str) -> str:
    """Returns HOST:PORT, with the default port if it is missing; IPv6 in brackets. Raises
    ValueError with the cure."""
    host, _, port = (text, "", "53") if ip_of(text) or text.endswith("]") else text.rpartition(":")
    address = ip_of(host.removeprefix("[").removesuffix("]"))
    if not address or not port.isdecimal() or not port.isascii() or not 0 < int(port[:6]) <= 65535:
        raise ValueError(
            "not a nameserver; write an IP address, and the port if it is not 53, such as"
            " 192.0.2.53:5353"
        )
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def domain_name(text: str) -> str:
    """Checks a domain name; returns it as in the DNS. Raises ValueError with the cure."""
    if not (name := domain_of(text)):
        raise ValueError("not a domain; write one such as example.org")
    return name


def selector(text: str) -> str:
    """Checks the name of a DKIM key (RFC 6376 section 3.1); returns it as in the DNS. Raises
    ValueError with the cure."""
    name = domain_of(f"{text}.example")
    if not name:
        raise ValueError("not a selector; write letters and digits, such as mailtrip2026")
    return name.removesuffix(".example")


def _ehlo_name(text: str) -> str:
    """Checks a host name in ASCII, or an address literal (RFC 5321 sections 4.1.1.1 and 4.1.3)."""
    if not (name := literal_of(text) or domain_of(text)):
        raise ValueError(
            "not a name for EHLO; write a host name or an address in brackets, such as [192.0.2.1]"
        )
    return text if text.isascii() else name


def _pattern(text: str) -> str:
    """Checks a pattern. A slash marks a network, unless there is an @: RFC 5322 allows slashes in
    addresses."""
    if "{" in text or "(" in text or (text.startswith("^") and text.endswith("$")):
        raise ValueError(
            "a pattern supports only * ? and [...]; write each alternative as a separate entry"
        )
    if odd := ends_oddly(text) or lookalike_in(text):
        raise ValueError(
            f"matches no target: {odd if odd.startswith('it ') else f'it contains {odd}'}"
        )
    if ", " in text or text.count("@") > 1:
        raise ValueError("matches no target: write each address or pattern as a separate entry")
    if not text.isprintable():
        raise ValueError("matches no target: it contains a control character")
    if _is_zoned(text) or ("@[" in text and _is_zoned(text.rpartition("@")[2])):
        raise ValueError(_ZONED)
    if "/" in text and "@" not in text:
        _check_network(text)
    return text


_ROUTING = frozenset("%!")
"""In user%example.com@relay and example.com!user@relay: Postfix, as it comes, reads these as mail
for example.com.

It refuses it from unknown clients (allow_untrusted_routing), but a relay that trusts us may send
it on (allow_percent_hack).
"""


def fits(pattern: str, target: str, canonical: Callable[[str], str]) -> bool:
    """Whether a pattern of `targets` matches a target in its canonical form, see `canonical`.

    A network matches the addresses in it. A pattern without a wildcard is one target, in any
    spelling. In all others the case of a domain is ignored, but not that of a local part: only its
    server may ignore it.
    """
    if address := ip_of(target):
        network = _network(pattern)
        return address in network if network else fnmatchcase(target, pattern.lower())
    if not _has_wildcard(pattern):
        with suppress(ValueError):
            return target == canonical(pattern)
        return False
    way = _ROUTING & set(target.rpartition("@")[0])
    return way <= set(pattern) and any(
        _matches(pattern, form) for form in (target, in_unicode(target))
    )


Network = IPv4Network | IPv6Network


def network_of(text: str) -> Network:
    """The network, or the address as one. Raises ValueError."""
    network = _network(text)
    if network is None:
        raise ValueError(_NO_NETWORK)
    return network


def _some_network(text: str) -> str:
    """Checks an address, or a network that is not the whole Internet."""
    if _is_zoned(text):
        raise ValueError(_ZONED)
    _check_network(text)
    if not network_of(text).prefixlen:
        raise ValueError("covers all addresses: write those that it means")
    return text


def _check_network(text: str) -> None:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(_NO_NETWORK) from None
    if ip_network(text.partition("/")[0]).network_address != network.network_address:
        raise ValueError(f"the address has host bits set; write {network}")


def _network(pattern: str) -> IPv4Network | IPv6Network | None:
    """The network; an IPv4 network written as IPv6 becomes IPv4, like the addresses to compare."""
    try:
        network = ip_network(pattern)
    except ValueError:
        return None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return (
        IPv4Network((mapped, network.prefixlen - 96))
        if mapped and network.prefixlen >= 96
        else network
    )


def is_many(pattern: str) -> bool:
    """Whether a pattern of `targets` may match more than one target."""
    return _has_wildcard(pattern) or _network(pattern) is not None


def _has_wildcard(pattern: str) -> bool:
    """Whether it has a wildcard; the brackets of an address literal are not one."""
    return bool(set(pattern) & set("*?")) or ("[" in pattern and not email_of(pattern))


def _matches(pattern: str, target: str) -> bool:
    local, at, domain = pattern.rpartition("@")
    if at:
        return fnmatchcase(target, f"{local}@{domain.lower().removesuffix('.')}")
    return fnmatchcase(target.lower(), pattern.lower().removesuffix("."))


def _family(value: object) -> object:
    """Accepts the number of `ip: 4`, which is easier to read than `ip: "4"`."""
    return str(value) if type(value) is int else value


IpFamily = BeforeValidator(_family)
Host = Annotated[
    str, AfterValidator(check_host), WithJsonSchema({"type": "string", "title": "host"})
]
HostTemplate = Annotated[
    str, AfterValidator(_host_template), WithJsonSchema({"type": "string", "title": "host"})
]
"""A host that may hold `{target}`."""
Domain = Annotated[
    str, AfterValidator(domain_name), WithJsonSchema({"type": "string", "title": "domain"})
]
Selector = Annotated[
    str, AfterValidator(selector), WithJsonSchema({"type": "string", "title": "selector"})
]
EhloName = Annotated[
    str, AfterValidator(_ehlo_name), WithJsonSchema({"type": "string", "title": "host"})
]
EmailTemplate = Annotated[
    str,
    AfterValidator(_email_template),
    WithJsonSchema({"type": "string", "title": "e-mail address"}),
]
"""An e-mail address that may be, or hold, `{target}`."""
TripTemplate = Annotated[
    str,
    AfterValidator(_trip_template),
    WithJsonSchema({"type": "string", "title": "e-mail address"}),
]
"""An e-mail address whose local part may hold `{trip}`."""
IpAddress = Annotated[
    str, AfterValidator(_ip_address), WithJsonSchema({"type": "string", "title": "IP address"})
]
Nameserver = Annotated[
    str, AfterValidator(nameserver), WithJsonSchema({"type": "string", "title": "ADDRESS:PORT"})
]
NetworkText = Annotated[
    str, AfterValidator(_some_network), WithJsonSchema({"type": "string", "title": "network"})
]
TargetPattern = Annotated[
    str, AfterValidator(_pattern), WithJsonSchema({"type": "string", "title": "pattern"})
]
