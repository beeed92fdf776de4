"""SPF (RFC 7208): whether a domain permits an address to send mail in its name."""
