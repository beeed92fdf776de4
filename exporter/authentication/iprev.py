"""Whether the name of a client leads back to its address (`iprev`, RFC 8601 section 3)."""

from ipaddress import ip_address

from exporter.authentication.lookups import Lookups, address_type
from exporter.authentication.verdict import LookupFailed, Result, Verdict, temperror

MOST_NAMES = 5  # of a client that are looked up


async def check_iprev(address: str, helo: str, lookups: Lookups) -> Verdict:
    """Compares the client's address, its names in DNS, and the name in EHLO."""
    own = ip_address(address)
    record, kind = own.reverse_pointer, address_type(own)
    try:
        found = await lookups.records(record, "PTR")
        names = [name.lower().removesuffix(".") for name in found[:MOST_NAMES]]
        confirmed = [
            name for name in names if own in map(ip_address, await lookups.records(name, kind))
        ]
    except LookupFailed as error:
        return temperror(error, "")
    if not names:
        return Verdict(Result.PERMERROR, f"{address} has no PTR record", "", record)
    if not confirmed:
        why = f"{names[0]}, the name of {address}, does not lead back to it"
        return Verdict(Result.FAIL, why, names[0], names[0])
    helo = helo.lower().removesuffix(".")
    if helo in confirmed:
        return Verdict(Result.PASS, f"{address} is {helo}", helo, record)
    why = f"{address} is {confirmed[0]}, but it calls itself {helo or 'nothing'} in EHLO"
    return Verdict(Result.PASS, why, confirmed[0], record)
