"""MTA-STS (RFC 8461): the policies for TLS that domains publish by HTTPS."""
