"""The report of `mailtrip check --try`: one line for each attempt, followed by its remarks."""

from collections.abc import Iterator

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.remark import Remark, Risk
from exporter.core.one_line import one_line
from exporter.core.timing.when import utc_day

_WORDS = {
    Risk.HIDDEN: (
        "mail leaves from {about}, a private address. Receivers see the public address of"
        " your NAT, so its PTR record cannot be checked here; `mailtrip probe` shows the"
        " address as `left from`"
    ),
    Risk.NAMELESS: (
        "mail leaves from {about}, which has no PTR record. Many receivers refuse mail from"
        " such an address; the provider of the address can set one"
    ),
    Risk.MISNAMED: (
        "mail leaves from {about}. Its PTR record is {more}, which does not resolve to"
        " {about}. Many receivers refuse that; change the PTR record, or the address record"
        " of the name"
    ),
    Risk.GREETS_UNKNOWN: (
        "the EHLO name {about} does not exist in DNS. Many receivers refuse that; set ehlo_name to"
        " the name in the PTR record"
    ),
    Risk.GREETS_BARE: (
        "the EHLO name is {about}, because the name of this machine has no dot. Many"
        " receivers refuse that;"
        " set ehlo_name to the name in the PTR record"
    ),
    Risk.UNANSWERED: "PTR record and EHLO name cannot be checked: {about}",
    Risk.PASSED_OVER: (
        "{about} cannot be reached. {more} can be reached, so mail arrives, but without that"
        " redundancy"
    ),
    Risk.BLOCKED: (
        "no exchanger can be reached (tried {about}). Many providers and clouds block outgoing port"
        " 25. To find out, run `telnet {host} 25` here and elsewhere. If it answers only"
        " elsewhere, ask for port 25 to be opened, or send through a relay on port 587"
        " (`send: smtp`)"
    ),
    Risk.RATIONED: (
        "{about}, and the shortest `timeout` of a module with this mailbox is {more}: a"
        " message that is not there at the first poll is seen only after its trip has failed."
        " Increase `timeout`"
    ),
    Risk.NO_WAY_HERE: (
        "no mail can reach this receiver: {about}. Publish an MX record that points to it"
    ),
    Risk.UNSEEN: "the MX records of this receiver cannot be checked: {about}",
    Risk.LEADS_ELSEWHERE: (
        "mail for {about}, port 25. None of these addresses belongs to this machine: forward"
        " that port to {more}, or messages are overdue"
    ),
    Risk.OTHER_PORT: (
        "mail for {about}, port 25, on this machine. The receiver listens on {more}: forward"
        " port 25 to it (Docker: `--publish 25:2525`; a redirection in the firewall), or"
        " listen on port 25; otherwise messages are overdue"
    ),
    Risk.PLAINTEXT: (
        "{about} offers STARTTLS, but TLS fails: {more}. Messages are sent in plain text."
        " `tls: starttls` prevents that, `tls: none` never uses TLS"
    ),
    Risk.ONE_FAILS: "the exchanger {about} takes no mail from here: {more}",
    Risk.ALL_DOWN: (
        "no exchanger can be reached (tried {about}). The network does not block port 25,"
        " because {more} can be reached: these servers are down, or refuse our connections"
    ),
}


def lines(attempt: Attempt) -> Iterator[str]:
    """The line of the attempt, then its remarks."""
    yield line(attempt)
    yield from (f"        note: {_in_words(remark)}" for remark in attempt.remarks)


def _in_words(remark: Remark) -> str:
    about, more = one_line(remark.about), one_line(remark.more)
    return _WORDS[remark.risk].format(about=about, more=more, host=more.rpartition(":")[0])


def line(attempt: Attempt) -> str:
    """OK, failed or not tried; the place; and the details."""
    place = f"{attempt.what} ({attempt.where})" if attempt.where else attempt.what
    if attempt.skipped:
        return f"-       {place}: {attempt.skipped}"
    if attempt.failure:
        return f"FAILED  {place}: {one_line(str(attempt.failure))}"
    told = [f"{attempt.seconds:.3f} s", attempt.exchanger and f"answered by {attempt.exchanger}"]
    if attempt.tls:
        told.append(attempt.tls.version)
        if attempt.tls.expires_at is not None:
            told.append(f"certificate valid until {utc_day(attempt.tls.expires_at)}")
        if attempt.tls.ends_above is not None:
            told.append(f"a certificate above it until {utc_day(attempt.tls.ends_above)}")
        if attempt.tls.client_certificate:
            told.append(f"client certificate {attempt.tls.client_certificate}")
    return f"OK      {place}: {', '.join(filter(None, told))}"
