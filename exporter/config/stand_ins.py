"""Text that stands for something else in other programs, and that we would take as it is: found, each with its cure.

A shell, Docker Compose, Ansible, Helm or Home Assistant fills in `$NAME` or `!secret name`. Taken literally it would be
tried as a password until the account is locked. Nothing here ever repeats what it has found.
"""

import re

from exporter.config.odd import ends_oddly, odd_in, quoted_oddly

FILE_OR_ENV = "write {file: PATH} or {env: NAME}"
IN_A_FILE = "if it really is the secret, keep it in a file, and write {file: PATH}"
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_VARIABLE = re.compile(r"\$\$?[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%|os\.(environ|getenv)\b.*|`[^`]+`")
_IN_BRACES = re.compile(r"\$(__[a-z]+)?\{[^{}]*\}|\$\([^()]+\)|\{\{.*\}\}|<%.*%>")
_REFERENCE = re.compile(r"\{\s*[\"']?(file|env)[\"']?\s*[:=].*", re.IGNORECASE | re.DOTALL)
_PREFIX = re.compile(r"(env|environ|file)\s*[:=]\s*\S.*|env\.[A-Za-z_]\w*", re.IGNORECASE)
_SCHEME = re.compile(r"(file|env|vault|op|ssm|secrets?|keyring|[a-z]+kms|ref\+[a-z]+)://\S+", re.IGNORECASE)
_TAG = re.compile(r"!(vault|secret|env|env_var|file|include|password)\b.*", re.IGNORECASE | re.DOTALL)
_ENCRYPTED = re.compile(r"ENC\[.*\]|\$ANSIBLE_VAULT;.*", re.DOTALL)
_PATH = re.compile(r"@?(/(run|etc|var|home|root|opt|srv|mnt|secrets|usr)/|~/|\.\.?/)[\w./@+-]+")
_NOT_FILLED_IN_A_PATH = re.compile(r"(^|/)(\$\{?\w|%[A-Za-z_]\w*%|\{\{)")


def filled_in_elsewhere(text: str) -> bool:
    """Whether other programs would put the value of a variable in its place."""
    return bool(_VARIABLE.fullmatch(text) or _IN_BRACES.search(text))


def secret_mistake(text: str) -> str:
    """What is wrong with a secret that is written into the configuration, and the cure; empty if nothing is."""
    if not text.strip():
        return f"is empty or nothing but blanks; {FILE_OR_ENV}"
    if filled_in_elsewhere(text):
        return f"looks like a variable, and none is filled in here: {FILE_OR_ENV}; {IN_A_FILE}"
    if _REFERENCE.fullmatch(text):
        return f"is text, since it stands in quotes: {FILE_OR_ENV}, without quotes around the braces"
    if _PREFIX.fullmatch(text) or _SCHEME.fullmatch(text) or _PATH.fullmatch(text):
        return f"looks like the place where the secret is kept: {FILE_OR_ENV}; {IN_A_FILE}"
    if _TAG.fullmatch(text) or _ENCRYPTED.fullmatch(text):
        return f"looks like what another program decrypts or fills in: {FILE_OR_ENV}; {IN_A_FILE}"
    if quoted_oddly(text):
        return "stands in typographic quotes, which are no quotes here: write \" or '"
    if odd := odd_in(text):
        return f"holds {odd}: type it again; {IN_A_FILE}"
    return ""


def path_mistake(path: str) -> str:
    """What is wrong with the name of a file, whether or not the file is there; empty if nothing is."""
    if path.startswith("~"):
        return "`~` is not filled in here: write the whole path"
    if "://" in path:
        return "not a path; write it without the scheme, such as /run/secrets/imap"
    if _NOT_FILLED_IN_A_PATH.search(path):
        return "no variable is filled in here: write the path itself, such as /run/secrets/imap"
    return f"not a path: {ends}" if (ends := ends_oddly(path)) else ""


def env_mistake(name: str) -> str:
    """What is wrong with the name of an environment variable."""
    if ENV_NAME.fullmatch(name):
        return ""
    return "not the name of an environment variable; write it without $, % and braces, such as {env: IMAP_PASSWORD}"
