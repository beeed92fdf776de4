"""The facts of the lab: who listens where, and who has a mailbox.

Every text constant here can be used in a template as @NAME@.
"""

import os
from pathlib import Path

HOME = Path(__file__).resolve().parent
PASSWORD = "labpass"

# Linux answers on all of 127.0.0.0/8, so nothing has to be set up for these addresses.
NET = os.environ.get("MAILTRIP_LAB_NET", "127.25")
RELAY_IP = f"{NET}.1.1"
MX_IP = f"{NET}.2.1"
OTHER_NAME_MX_IP = f"{NET}.2.2"  # the MX too, with a certificate for another name
EXPIRED_MX_IP = f"{NET}.2.3"  # ... with an expired one
PLAIN_MX_IP = f"{NET}.2.4"  # ... without TLS
BACKUP_IP = f"{NET}.2.5"  # the MX again, as a backup that knows no recipient
ENDING_IP = f"{NET}.2.6"  # and with a certificate that ends in ten days
DEAD_IP = f"{NET}.2.99"  # nothing listens here: connection refused
IMAP_IP = f"{NET}.3.1"  # IMAP, POP3 and LMTP
HOP_IP = f"{NET}.4.1"
RSPAMD_IP = f"{NET}.4.2"
OPENDKIM_IP = f"{NET}.4.3"
CLAMD_IP = f"{NET}.4.4"
STS_IP = f"{NET}.4.5"
RBL_IP = f"{NET}.5.1"
SILENT_DNS_IP = f"{NET}.5.9"  # a DNS server that never answers
DNS_IP = f"{NET}.5.53"
LISTED_NET = f"{NET}.66.0/24"  # listed in bl.lab.test
IDP_IP = f"{NET}.6.1"  # where a test may run an identity provider, on port 8443
POLICY_IP = f"{NET}.7.1"  # the hosts of the policies of MTA-STS
MON_IP = f"{NET}.9.1"  # the program under test
MISNAMED_IP = f"{NET}.9.2"  # its PTR record names somebody else

RUN_DIRECTORY = Path(os.environ.get("MAILTRIP_LAB_DIR", f"/var/tmp/mailtrip-lab-{NET}"))
"""Everything generated. Not in the source tree: a unix socket's path is short, and the servers do
not run as root."""

DEFAULT_MON = f"{MON_IP}:2525"  # where mail for mon.test goes unless the lever `mon` says otherwise

REVERSE_NAMES = {
    RELAY_IP: "relay.lab.test",
    MX_IP: "mx1.lab.test",
    IMAP_IP: "imap.lab.test",
    HOP_IP: "hop.lab.test",
    MON_IP: "mx.mon.test",
    MISNAMED_IP: "mx.mon.test",
}

# Domains below dane.test, a signed zone: what is wrong with the TLSA records of their exchanger,
# which is the MX. All mail for them goes to the black hole.
DANE = [
    *("good", "anchor", "anchorless", "renewed", "either", "pkix", "none", "bogus", "unsigned"),
    *("full", "selector", "weaker", "alias"),
    *("covered", "uncovered"),  # they have a policy of MTA-STS, too
]

# Domains below sts.test: what is wrong with their policy, its host, or their exchanger (`sts.py`).
# All mail for them goes to the black hole, too.
STS = [
    *("enforce", "wildcard", "second", "remembered"),
    *("elsewhere", "misnamed", "expired", "plain", "testing", "off"),
    *("unannounced", "twice", "hostdown", "hostmisnamed", "hostexpired"),
    *("missing", "moved", "html", "malformed"),
    *("deeper", "foreign", "borrowed"),
]

POLICY_DOMAINS = [
    *(f"{name}.dane.test" for name in DANE),
    *(f"{name}.sts.test" for name in STS),
]

CERTIFICATE_NAMES = {
    "mx": [
        *("DNS:mx1.lab.test", "DNS:lab.test", "DNS:mx.anchor.dane.test", f"IP:{MX_IP}"),
        *(f"DNS:mx.{name}.sts.test" for name in STS),
        *("DNS:mx.a.deeper.sts.test", "DNS:mx.covered.dane.test", "DNS:mx.uncovered.dane.test"),
    ],
    "relay": ["DNS:relay.lab.test", f"IP:{RELAY_IP}"],
    "imap": ["DNS:imap.lab.test", f"IP:{IMAP_IP}"],
    "idp": ["DNS:idp.lab.test", f"IP:{IDP_IP}"],
    "policies": [
        *(f"DNS:mta-sts.{name}.sts.test" for name in STS if name != "hostmisnamed"),
        *("DNS:mta-sts.covered.dane.test", "DNS:mta-sts.uncovered.dane.test"),
    ],
}

# Mailboxes at lab.test
VICTIM = "u0200@strict.test"  # of forged mail: it gets none that claims to be from its own domain
NUMBERED_USERS = [f"u{n:04d}" for n in range(1, 201)]
MAILBOXES = [
    "probe",
    "monitor",
    "forward",
    "junk",
    "dup",
    "full",
    "grey",
    "slow2",
    "slow8",
    "sorted",
    "dropped",
    "away",
    *NUMBERED_USERS,
]
# Dovecot loads these plugins for these people only: for everybody, they would halve the delivery
# speed.
DELIVERY_PLUGINS = {
    "forward": "userdb_mail_plugins=sieve",
    "junk": "userdb_mail_plugins=sieve",
    "sorted": "userdb_mail_plugins=sieve",
    "dropped": "userdb_mail_plugins=sieve",
    "away": "userdb_mail_plugins=sieve",
    # of the quota, Dovecot 2.3 reads the first field, 2.4 the second
    "full": "userdb_mail_plugins=quota userdb_quota_rule=*:bytes=1 userdb_quota_storage_size=1B",
}
# Addresses which the MX takes besides the mailboxes (see templates/etc/postfix-mx/transport)
MORE_RECIPIENTS = [
    "blackhole@lab.test",
    "rewrite-full@lab.test",
    "probe@deadfirst.test",
    "probe@nomx.test",
    "monitor@mon.test",
    VICTIM,
]
