"""Why an address cannot be listened on, in one line for an administrator."""

import errno
import os


def why_not(listen: str, error: OSError | UnicodeError) -> str:
    """`error` is what asyncio's `create_server` raised."""
    return f"cannot listen on {listen}: {_problem(error)}"


def _problem(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "not a host name"
    number = error.errno or errno.EADDRNOTAVAIL  # Python 3.13 keeps the number of this one to itself
    if number not in errno.errorcode:  # of the resolver, which has numbers of its own
        return str(error.strerror).lower()
    hint = " (a port below 1024 needs CAP_NET_BIND_SERVICE)" if isinstance(error, PermissionError) else ""
    return os.strerror(number).lower() + hint
