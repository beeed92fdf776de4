"""SASL (RFC 4422): logins to mail servers."""
