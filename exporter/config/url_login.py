"""Passwords in the URLs of a command line, which other users can see. Its imports are fast."""

import re

_START = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//)?")
_QUERY = re.compile(r"\?(?=[a-z_]+=)")
_OPTION = re.compile(r"[?&](password|token|key_password)=|=[A-Za-z0-9+.-]+://[^@]*:.*@")


def has_password(url: str) -> bool:
    """Whether there is a password in it, also if the scheme or the slashes are missing."""
    if _OPTION.search(url):
        return True
    url = _QUERY.split(url)[0]
    start = _START.match(url)
    if start and url.startswith("/", start.end()):  # a path
        return False
    login = (url[start.end() :] if start and start[1] else url).rpartition("@")[0]
    return ":" in login
