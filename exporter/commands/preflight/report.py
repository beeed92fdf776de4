"""What `mailtrip check --try` says: one line for each attempt, and below it what may become a
failure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.remark import Doubt, Remark
from exporter.core.model import one_line

_WORDS = {
    Doubt.HIDDEN: (
        "mail leaves from {about}, a private address. Receivers see the outside address of your"
        " NAT, so that nobody can tell from here whether it has a PTR record; `mailtrip probe`"
        " shows it as `left from`"
    ),
    Doubt.NAMELESS: (
        "mail leaves from {about}, which has no PTR record. Many receivers refuse mail from such an"
        " address; whoever gave it to you can set one"
    ),
    Doubt.MISNAMED: (
        "mail leaves from {about}. Its PTR record says {more}, which does not lead back to {about}."
        " Many receivers refuse that; let the name have this address, or the address another name"
    ),
    Doubt.GREETS_UNKNOWN: (
        "EHLO says {about}, a name that is not in DNS. Many receivers refuse that; set ehlo_name to"
        " the name in the PTR record"
    ),
    Doubt.GREETS_BARE: (
        "EHLO says {about}, since the name of this machine has no dot. Many receivers refuse that;"
        " set ehlo_name to the name in the PTR record"
    ),
    Doubt.UNANSWERED: "nobody knows how we look to receivers: {about}",
    Doubt.PASSED_OVER: (
        "{about} cannot be reached. {more} can, so mail arrives; but it is one server fewer"
    ),
    Doubt.BLOCKED: (
        "no exchanger can be reached, tried: {about}. Many providers and clouds block outgoing port"
        " 25. To find out, run `telnet {host} 25` here and elsewhere. If it answers elsewhere only,"
        " have the port opened, or send through a relay on port 587 (`send: smtp`)"
    ),
    Doubt.RATIONED: (
        "{about}, and the shortest `timeout` of a module that awaits mail there is {more}: a"
        " message that is not there at the first look is not seen before its trip has failed. Make"
        " `timeout` longer"
    ),
    Doubt.NO_WAY_HERE: (
        "nobody can send mail to this receiver: {about}. Publish an MX record that leads to it"
    ),
    Doubt.UNSEEN: "whether others find this receiver is unknown: {about}",
    Doubt.LEADS_ELSEWHERE: (
        "mail for {about}, port 25. None of these addresses is this machine's: that port must lead "
        "to {more}, else messages are overdue"
    ),
    Doubt.OTHER_PORT: (
        "mail for {about}, port 25, on this machine. The receiver listens on {more}: lead port 25"
        " there (Docker: `--publish 25:2525`; a redirection in the firewall), or listen on it; else"
        " messages are overdue"
    ),
    Doubt.PLAINTEXT: (
        "{about} offers STARTTLS, and TLS with it is broken: {more}. Messages leave in plain text. "
        "`tls: starttls` refuses that, `tls: none` asks for no TLS"
    ),
    Doubt.ALL_DOWN: (
        "no exchanger can be reached, tried: {about}. The network does not block port 25, since"
        " {more} can be reached: these servers are down, or turn us away"
    ),
}


def lines(attempt: Attempt) -> Iterator[str]:
    """The attempt, then its remarks."""
    yield line(attempt)
    yield from (f"        note: {_in_words(remark)}" for remark in attempt.remarks)


def _in_words(remark: Remark) -> str:
    about, more = one_line(remark.about), one_line(remark.more)
    return _WORDS[remark.doubt].format(about=about, more=more, host=more.rpartition(":")[0])


def line(attempt: Attempt) -> str:
    """Good, failed or not tried; where; and what there is to know."""
    place = f"{attempt.what} ({attempt.where})" if attempt.where else attempt.what
    if attempt.skipped:
        return f"-       {place}: {attempt.skipped}"
    if attempt.failure:
        return f"FAILED  {place}: {one_line(str(attempt.failure))}"
    told = [f"{attempt.seconds:.3f} s", attempt.exchanger and f"answered by {attempt.exchanger}"]
    if attempt.tls:
        told.append(attempt.tls.version)
        if attempt.tls.expires_at is not None:
            told.append(
                "certificate valid until"
                f" {datetime.fromtimestamp(attempt.tls.expires_at, UTC):%Y-%m-%d}"
            )
    return f"good    {place}: {', '.join(filter(None, told))}"
