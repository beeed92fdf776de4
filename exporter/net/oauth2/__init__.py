"""OAuth 2.0 (RFC 6749): tokens of an identity provider, for accounts that log in to mail
servers."""

from exporter.net.oauth2.account import Account
from exporter.net.oauth2.accounts import Accounts, AccountStatus
from exporter.net.oauth2.token import Token

__all__ = ["Account", "AccountStatus", "Accounts", "Token"]
