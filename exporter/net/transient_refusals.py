"""Texts of transient refusals, for servers that have no response code for them or do not use it.
Pure.

Microsoft 365 and Exchange: "Server Unavailable. 15", "Request is throttled. Suggested Backoff Time:
…", "User is authenticated but not connected."; Gmail: "Too many simultaneous connections"; Courier:
"Temporary problem, please try again later"; qpopper and UW: "maildrop lock busy", "Can't get lock.
Mailbox in use"; solid-pop3d: "fatal error", after the right password.
"""

import re

_PASSING = re.compile(
    r"""temporar | \btry(ing)?\ (it\ )?(again|later) | (come\ back|retry)\ (later|in\b) | please\ (wait|retry)
    | too\ many\ ([\w-]+\ ){0,3}(connections|sessions|logins|users|clients|requests|commands)\b
    | (connection|session|rate)\ limit | (limit|maximum)\ (number\ )?of\ ([\w-]+\ ){0,3}(connections|sessions)
    | throttl | back-?off\ time | overload | server\ (is\ )?(too\ )?busy | \bbusy\b
    | (server|service|backend|storage|mailbox|maildrop|database|directory)\ (is\ )?(currently\ )?(un|not\ )available
    | (mail\s?box|mail\s?drop|folder|spool|inbox)\ .{0,20}(\bin\ use\b|\block(ed)?\b)
    | (can't|cannot|could\ not|unable\ to)\ .{0,20}\block\b | another\ (\w+\ )?(session|client|process)
    | (internal|fatal)\ (server\ )?error | (system|server)\ (error|problem) | timed[ -]?out | shutting\ down
    | authenticated\ but\ not\ connected""",  # noqa: E501
    re.IGNORECASE | re.VERBOSE,
)
_OF_THE_ACCOUNT = re.compile(
    r"""password | credential | too\ many\ ([\w-]+\ ){0,2}(fail\w*|invalid|bad|wrong|unsuccessful|attempts|tries|errors)
    | too\ many\ ([\w-]+\ ){0,2}auth | (account|user|login)\ ([\w-]+\ ){0,3}(locked|disabled|blocked|suspended)
    | locked\ out | fail(ed|ure)\ (login|attempt) | login\ (attempts|failures)""",  # noqa: E501
    re.IGNORECASE | re.VERBOSE,
)


def passes(text: str) -> bool:
    """Whether the text of a refusal is a known transient one; not if it may be about a locked
    account: a retry would do harm."""
    return bool(_PASSING.search(text)) and not _OF_THE_ACCOUNT.search(text)
