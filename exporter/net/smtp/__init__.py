"""The boundary to aiosmtplib: an SMTP client (RFC 5321)."""
