"""What the system says of a connection that failed, from errors of asyncio and aiohappyeyeballs."""

import errno
import os
import re

_NUMBER = re.compile(r"\[Errno (\d+)\]")
_ADDRESS = re.compile(r"Connect call failed \('([0-9A-Fa-f:.]+)'")


def problem(error: OSError) -> str:
    """For people. If several addresses fail in different ways, the error has no number, and its
    text contains the single errors."""
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno).lower()
    numbers = map(int, dict.fromkeys(_NUMBER.findall(str(error))))
    words = [os.strerror(number).lower() for number in numbers if number in errno.errorcode]
    return ", or ".join(words) or error.strerror or "no address can be reached"


def failed_addresses(error: OSError) -> list[str]:
    """The addresses that could not be connected to, if the error tells."""
    return [*dict.fromkeys(_ADDRESS.findall(str(error)))]
