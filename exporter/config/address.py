"""Host names, network addresses and e-mail addresses: checked for what would fail or mislead later, each with a cure.

International names are taken as they are (RFC 5890, RFC 6531); whether a server can handle them is for the trip to say.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

PLACEHOLDER = "{target}"
_NOT_IN_LOCAL_PART = frozenset('()<>[]{}\\,;:@"')


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_domain(text: str) -> bool:
    """Labels of letters, digits, hyphens and underscores, and of whatever is printable outside ASCII."""
    labels = text.removesuffix(".").split(".")
    fit = all(c.isalnum() or c in "-_" if c.isascii() else c.isprintable() for label in labels for c in label)
    return fit and len(text) <= 253 and all(0 < len(label) <= 63 for label in labels) and not labels[-1].isdecimal()


def check_host(text: str) -> str:
    """The name or address of a host, as it came. Raises ValueError with the cure."""
    if _ip(text) or _is_domain(text):
        return text
    if PLACEHOLDER in text:
        raise ValueError("`{target}` is not filled in here: write the host")
    if "://" in text:
        raise ValueError("not a host; write only its name, without the scheme")
    if _ip(text.partition("[")[2].partition("]")[0]):
        raise ValueError("not a host; write an IPv6 address without brackets, and the port as an option of its own")
    name, _, port = text.rpartition(":")
    if port.isdecimal() and (_ip(name) or _is_domain(name)):
        raise ValueError("not a host; the port is an option of its own")
    raise ValueError("not a host; write a name, such as mail.example.org, or an address, such as 192.0.2.1")


def check_email(text: str) -> str:
    """An address as in an envelope (RFC 5321 section 4.1.2, without quoted local parts), as it came.

    Raises ValueError with the cure.
    """
    local, _, domain = text.rpartition("@")
    literal = domain[1:-1].removeprefix("IPv6:") if domain.startswith("[") and domain.endswith("]") else ""
    fit = all(c.isprintable() and not c.isspace() and c not in _NOT_IN_LOCAL_PART for c in local)
    if fit and 0 < len(local.encode()) <= 64 and (_ip(literal) if literal else _is_domain(domain)):
        return text
    if PLACEHOLDER in text:
        raise ValueError("`{target}` is not filled in here: write the address")
    if "<" in text:
        raise ValueError("not an e-mail address; write only what stands between < and >")
    raise ValueError("not an e-mail address; write it as local@domain, such as probe@example.org")


def _host_template(text: str) -> str:
    """`{target}` may stand in a host or for all of it; any target that is a name must make it a host."""
    _only_placeholder(text)
    check_host(text.replace(PLACEHOLDER, "target"))
    return text


def _email_template(text: str) -> str:
    """`{target}` may be the whole address, or stand in its domain."""
    _only_placeholder(text)
    if text != PLACEHOLDER:
        check_email(text.replace(PLACEHOLDER, "target"))
    return text


def _only_placeholder(text: str) -> None:
    if set(text.replace(PLACEHOLDER, "")) & set("{}"):
        raise ValueError("the only placeholder is `{target}`, with one brace on either side")


def _ip_address(text: str) -> str:
    if not (address := _ip(text)):
        raise ValueError("not an IP address; write one such as 192.0.2.1 or 2001:db8::1")
    return str(address)


def _nameserver(text: str) -> str:
    """HOST:PORT with the port filled in; IPv6 in brackets."""
    host, _, port = (text, "", "53") if _ip(text) or text.endswith("]") else text.rpartition(":")
    address = _ip(host.removeprefix("[").removesuffix("]"))
    if not address or not port.isdecimal() or not port.isascii() or not 0 < int(port[:6]) <= 65535:
        raise ValueError("not a nameserver; write an IP address, and the port if it is not 53, such as 192.0.2.53:5353")
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _ehlo_name(text: str) -> str:
    """A host name, or an address literal (RFC 5321 section 4.1.3)."""
    literal = text[1:-1].removeprefix("IPv6:") if text.startswith("[") and text.endswith("]") else ""
    if not (_ip(literal) if literal else _is_domain(text)):
        raise ValueError("not a name for EHLO; write a host name or an address in brackets, such as [192.0.2.1]")
    return text


def _pattern(text: str) -> str:
    """A network is told from a pattern by its slash, from an address with a slash (RFC 5322 allows it) by the @."""
    if "{" in text:
        raise ValueError("a pattern knows only * ? and [...]; write each alternative as an entry of its own")
    if "/" in text and "@" not in text:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise ValueError("not a network; write one such as 192.0.2.0/24 or 2001:db8::/32") from None
        if _ip(text.partition("/")[0]) != network.network_address:
            raise ValueError(f"the address has bits outside its network; write {network}")
    return text


def _family(value: object) -> object:
    """`ip: 4` is a number in YAML, and reads better than `ip: "4"`."""
    return str(value) if type(value) is int else value


IpFamily = BeforeValidator(_family)
Host = Annotated[str, AfterValidator(check_host), WithJsonSchema({"type": "string", "title": "host"})]
HostTemplate = Annotated[str, AfterValidator(_host_template), WithJsonSchema({"type": "string", "title": "host"})]
"""A host that may hold `{target}`."""
EhloName = Annotated[str, AfterValidator(_ehlo_name), WithJsonSchema({"type": "string", "title": "host"})]
EmailAddress = Annotated[
    str, AfterValidator(check_email), WithJsonSchema({"type": "string", "title": "e-mail address"})
]
EmailTemplate = Annotated[
    str, AfterValidator(_email_template), WithJsonSchema({"type": "string", "title": "e-mail address"})
]
"""An e-mail address that may be, or hold, `{target}`."""
IpAddress = Annotated[str, AfterValidator(_ip_address), WithJsonSchema({"type": "string", "title": "IP address"})]
Nameserver = Annotated[str, AfterValidator(_nameserver), WithJsonSchema({"type": "string", "title": "ADDRESS:PORT"})]
TargetPattern = Annotated[str, AfterValidator(_pattern), WithJsonSchema({"type": "string", "title": "pattern"})]
