"""MTA-STS (RFC 8461): the policies for TLS that domains publish by HTTPS.

There are two libraries. postfix-mta-sts-resolver is a daemon that asks DNS by c-ares, and so not
the configured name servers; of a field that is given twice it takes the last, and it does not pause
after a failure. checkdmarc is synchronous, and knows no policy from one time to the next.
"""
