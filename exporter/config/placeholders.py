"""Finds placeholders of other programs, which mailtrip would take literally; each with its cure.

A shell, Docker Compose, Ansible, Helm or Home Assistant fills in `$NAME` or `!secret name`. Taken
literally it would be tried as a password until the account is locked. Messages never repeat the
text found.
"""

import re

from exporter.config.confusables import ends_oddly, odd_in, quoted_oddly

FILE_OR_ENV = "write {file: PATH} or {env: NAME}"
IN_A_FILE = "if it is the secret, store it in a file, and write {file: PATH}"
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_VARIABLE = re.compile(
    r"\$\$?[A-Za-z_]\w*\$?|%[A-Za-z_]\w*%|os\.(environ|getenv)\b.*|`[^`]+`"
    r"|%\(\w+\)s|[%#]\{[^{}]+\}|%env\([^()]+\)%"  # Python, Logstash, Ruby, Symfony
    r"|\$env:\w+|\$?ENV[\[{(][^\[\]{}()]+[\]})]|process\.env\.\w+"  # PowerShell, Perl, Ruby, Node
    r"|@@?[A-Z][A-Z0-9_]+@@?|__[A-Z][A-Z0-9_]*__",  # Autoconf and its kin
    re.ASCII,
)
_IN_BRACES = re.compile(r"\$(__[a-z]+)?\{[^{}]*\}|\$\([^()]+\)|\{\{.*\}\}|<%.*%>")
_REFERENCE = re.compile(r"\{\s*[\"']?(file|env)[\"']?\s*[:=].*", re.IGNORECASE | re.DOTALL)
_PREFIX = re.compile(r"(env|environ|file)\s*[:=]\s*\S.*|env\.[A-Za-z_]\w*", re.IGNORECASE)
_SCHEME = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+|arn:aws[a-z-]*:\S+|(vault|keychain|keyring|pass):\S+", re.IGNORECASE
)
_TAG = re.compile(
    r"!(vault|secret|env|env_var|file|include|password)\b.*", re.IGNORECASE | re.DOTALL
)
_ENCRYPTED = re.compile(r"ENC\[.*\]|\$ANSIBLE_VAULT;.*", re.DOTALL)
_PLACEHOLDER = re.compile(
    r"<(?!secret>)[^<>]+>|[*•]{3,}|\.{3,}|…|x{4,}|redacted|placeholder|todo|tbd"
    r"|(change|replace|fill)[-_ ]?(me|this|it|in)"
    r"|(your|insert|enter)[-_ ].{0,30}(password|passwd|secret|token|key)([-_"
    r" ]here)?|(password|secret)[-_ ]here",
    re.IGNORECASE,
)
_LONGEST_PLACEHOLDER = 60
HIDDEN = "<secret>"
"""What pages show for every secret. A configuration that is copied from there can be read, and
`check` minds it."""

_ASSIGNED = re.compile(r"(export )?([A-Z][A-Z0-9_]{2,}=|(?i:pass(word|wd)?) ?[:=] ?)[^=\s].*")
_PATH = re.compile(r"@?(/(run|etc|var|home|root|opt|srv|mnt|secrets|usr)/|~/|\.\.?/)[\w./@+-]+")
_NOT_FILLED_IN_A_PATH = re.compile(r"(^|/)(\$\{?\w|%[A-Za-z_]\w*%|\{\{)")


def is_template(text: str) -> bool:
    """Whether other programs would replace it with the value of a variable."""
    return bool(_VARIABLE.fullmatch(text) or _IN_BRACES.search(text))


def placeholder_problem(text: str) -> str:
    """Why this is probably not a secret, as the rest of a sentence; empty if it may be one."""
    if is_template(text):
        return "looks like a variable, and variables are not expanded"
    if _REFERENCE.fullmatch(text):
        return "is text, because it is in quotes"
    if _PREFIX.fullmatch(text) or _SCHEME.fullmatch(text) or _PATH.fullmatch(text):
        return "looks like a reference to the secret"
    if _TAG.fullmatch(text) or _ENCRYPTED.fullmatch(text):
        return "looks like text that another program decrypts or replaces"
    if len(text) <= _LONGEST_PLACEHOLDER and _PLACEHOLDER.fullmatch(text):
        return "looks like a placeholder for the secret"
    return ""


def secret_type_mistake(value: object) -> str:
    """The error in a value that is neither text nor a reference to a secret."""
    for key in value if isinstance(value, dict) and len(value) == 1 else ():
        if key != (lower := key.lower()) and lower in ("file", "env"):
            return f"not a secret; write {lower} in lower case: {{{lower}: …}}"
    return "not a secret; write {file: PATH}, {env: NAME} or the text itself in quotes"


def secret_mistake(text: str) -> str:
    """The error in a literal secret, with the cure; empty if there is none."""
    if not text.strip():
        return f"is empty or contains only blanks; {FILE_OR_ENV}"
    if why := placeholder_problem(text):
        quoted = why.endswith("quotes")
        return f"{why}: {FILE_OR_ENV}" + (
            ", without quotes around the braces" if quoted else f"; {IN_A_FILE}"
        )
    if quoted_oddly(text):
        return "is in typographic quotes, which are not quotes in YAML: write \" or '"
    if odd := odd_in(text):
        return f"contains {odd}: type it again; {IN_A_FILE}"
    return ""


def stored_secret_problem(text: str) -> str:
    """The problem of a secret in a file or variable, as the rest of a sentence; empty if there is
    none."""
    if _REFERENCE.fullmatch(text):
        return "looks like a reference to the secret"
    if why := placeholder_problem(text):
        return why
    if _ASSIGNED.fullmatch(text):
        return "looks like a name with the secret: remove the name"
    if len(text) > 2 and ((text[0] == text[-1] and text[0] in "\"'") or quoted_oddly(text)):
        return "is in quotes, which are part of the secret"
    return f"contains {odd}" if (odd := odd_in(text)) else ""


def path_mistake(path: str) -> str:
    """The error in the name of a file, whether or not it exists; empty if there is none."""
    if path.startswith("~"):
        return "`~` is not expanded: write the whole path"
    if "://" in path:
        return "not a path; write it without the scheme, such as /run/secrets/imap"
    if _NOT_FILLED_IN_A_PATH.search(path):
        return "variables are not expanded: write the path itself, such as /run/secrets/imap"
    return f"not a path: {ends}" if (ends := ends_oddly(path)) else ""


def env_mistake(name: str) -> str:
    """The error in the name of an environment variable; empty if there is none."""
    if ENV_NAME.fullmatch(name):
        return ""
    return (
        "not the name of an environment variable; write it without $, % and braces, such as {env:"
        " IMAP_PASSWORD}"
    )
