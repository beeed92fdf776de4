"""The border to aiosmtplib: an SMTP client (RFC 5321)."""
