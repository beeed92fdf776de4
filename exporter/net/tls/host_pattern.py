"""Names of hosts as certificates (RFC 6125) and policies for TLS (RFC 8461) write them. Pure."""

_ANY = "*."


def matches(pattern: str, host: str) -> bool:
    """Whether the host has this name; `*.` stands for exactly one label, the first."""
    pattern, host = (name.lower().rstrip(".") for name in (pattern, host))
    if pattern.startswith(_ANY):
        label, _, rest = host.partition(".")
        return bool(label) and rest == pattern.removeprefix(_ANY) != ""
    return pattern == host != ""
