"""The boundary to aioimaplib: IMAP (RFC 9051, RFC 3501)."""
