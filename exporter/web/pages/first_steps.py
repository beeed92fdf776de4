"""What to do first about a failure: one sentence for each reason."""

from exporter.core.availability.outage import reason_of
from exporter.core.reasons import Reason

FIRST_STEPS = {
    Reason.DNS: "Query the name on mailtrip's machine: dig NAME.",
    Reason.NULL_MX: "Check the address: its domain accepts no mail.",
    Reason.CONNECT: "Check that the server runs, and the firewalls before it: nc -vz HOST PORT.",
    Reason.TIMEOUT: "Check the load and the log of the server, and the network: nc -vz HOST PORT.",
    Reason.TLS: "Look at the certificate: openssl s_client -connect HOST:PORT.",
    Reason.POLICY: "Compare the certificate with the TLSA record or the policy in the failure.",
    Reason.AUTH: "Log in by hand with the same password, then correct the secret.",
    Reason.UNAVAILABLE: "Look at the log of the server, its limits and its storage.",
    Reason.DEFERRED: "Search the log of the server: greylisting, a full disk, a limit.",
    Reason.REJECTED: "Read the answer of the server: a policy, a blocklist, an unknown recipient.",
    Reason.MAILBOX_FULL: "Empty the mailbox of the recipient, or raise its quota.",
    Reason.DISCONNECTED: "Look at the log of the server: a crash, a limit, a ban.",
    Reason.PROTOCOL: "Read what the server said; check host, port and tls in the configuration.",
    Reason.PROGRAM: "Run the sendmail program, or read the file, as the user of mailtrip.",
    Reason.OVERDUE: "Look at the queues of all servers on the path: mailq.",
    Reason.MISSING: "Look at the job that sends it, then at the queue of its mail server: mailq.",
    Reason.BOUNCED: "Read the code and the text of the bounce on the page of the trip.",
    Reason.JUNK: "Compare the headers with those of an OK trip: SPF, DKIM, spam score.",
    Reason.ALTERED: "Find the gateway that changes messages, and exempt the probe.",
    Reason.UNAUTHENTICATED: "Compare the records in DNS with the signature: dig TXT _dmarc.DOMAIN.",
    Reason.LISTED: "Open the page of the list, and ask it to remove the entry.",
    Reason.UNUSABLE: "Check the resolver: most lists refuse the queries of public ones.",
    Reason.ACCEPTED: "Check that the filter runs, and that messages on this path pass it.",
    Reason.STARVED: "Give mailtrip more processor time. Mail may be fine.",
    Reason.INTERNAL: "Look at the log of mailtrip, and report the bug.",
}


def first_step_of(word: str) -> str:
    """The one for an outage's `phase/reason`; empty if we do not know it."""
    reason = reason_of(word)
    return FIRST_STEPS[reason] if reason else ""
