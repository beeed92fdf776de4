"""The border to aioimaplib: IMAP (RFC 9051, RFC 3501)."""
