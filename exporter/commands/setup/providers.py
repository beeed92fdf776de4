"""Providers of mailboxes for many people: their servers, and what they require of a login."""

from dataclasses import dataclass

from exporter.config.grammar import domain_of


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, its servers, and what to know about it."""

    domains: tuple[str, ...]
    """Of the addresses that it gives to people, of its servers, and of exchangers for the domains
    of others."""

    mailbox: str
    send: str
    hint: str


_OF_THE_APP = "a password for the app, not that of the account"
PROVIDERS = (
    Provider(
        ("gmail.com", "googlemail.com", "google.com"),
        "imaps://imap.gmail.com",
        "smtp://smtp.gmail.com",
        f"Gmail needs {_OF_THE_APP} (https://myaccount.google.com/apppasswords). Messages of an"
        " account to itself are not shown as received: send from another one. See docs/gmail.md.",
    ),
    Provider(
        ("outlook.com", "hotmail.com", "live.com", "msn.com", "office365.com", "mx.microsoft"),
        "imaps://outlook.office365.com",
        "smtp://smtp.office365.com",
        "Microsoft takes tokens instead of passwords, and `mailtrip init` cannot set them up: begin"
        " with examples/microsoft365.yml, and see docs/microsoft365.md.",
    ),
    Provider(
        ("icloud.com", "me.com", "mac.com"),
        "imaps://imap.mail.me.com",
        "smtp://smtp.mail.me.com",
        f"iCloud needs {_OF_THE_APP} (https://account.apple.com, Sign-In and Security).",
    ),
    Provider(
        ("yahoo.com", "ymail.com"),
        "imaps://imap.mail.yahoo.com",
        "smtps://smtp.mail.yahoo.com",
        f"Yahoo needs {_OF_THE_APP} (https://login.yahoo.com/account/security).",
    ),
    Provider(
        ("fastmail.com", "fastmail.fm", "messagingengine.com"),
        "imaps://imap.fastmail.com",
        "smtps://smtp.fastmail.com",
        f"Fastmail needs {_OF_THE_APP} (Settings, Privacy & Security).",
    ),
    Provider(
        ("gmx.net", "gmx.de", "gmx.at", "gmx.ch"),
        "imaps://imap.gmx.net",
        "smtp://mail.gmx.net",
        "GMX must allow IMAP first: its settings, POP3/IMAP.",
    ),
    Provider(
        ("web.de",),
        "imaps://imap.web.de",
        "smtp://smtp.web.de",
        "WEB.DE must allow IMAP first: its settings, POP3/IMAP.",
    ),
)


def provider_of(name: str) -> Provider | None:
    """The provider of an e-mail address or a server."""
    domain = (domain_of(name.rpartition("@")[2]) or "").lower()
    return next(
        (
            one
            for one in PROVIDERS
            if any(domain == own or domain.endswith(f".{own}") for own in one.domains)
        ),
        None,
    )
