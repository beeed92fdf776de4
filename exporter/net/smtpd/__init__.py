"""The boundary to aiosmtpd: an SMTP receiver (RFC 5321)."""
