"""What SMTP servers refuse, and nonsense."""

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.atlas.dns_and_network import ELSEWHERE, misbehaving, with_login
from tests.atlas.table import Changes, Fault, Known, Lever, Make, Verdict, given, send
from tests.atlas.world import World
from tests.support.smtp_witness import Reply, Stage

DIRECTLY = {**ELSEWHERE, "host": "<mx>", "port": 25, "source_address": "<mon>"}
"""To the recipients' real exchanger, past the relay."""


async def _tickets(world: World) -> Changes:
    witness = await world.witness(offers=("AUTH NTLM GSSAPI",))
    login = {"username": "probe", "password": "labpass"}
    return {"smtp": {**ELSEWHERE, "port": witness.port, **login}}


def _says(words: str, stage: Stage) -> Make:
    return (with_login if stage is Stage.AUTH else misbehaving)(stage, lambda: Reply(words))


def _refused(name: str, stage: Stage, words: str, reason: Reason, look: str) -> Fault:
    step = Step.DATA if stage is Stage.DOT else Step[stage.value.upper()]
    place = {Stage.GREETING: "as its greeting", Stage.DOT: "to the whole message"}.get(
        stage, f"to {stage.upper()}"
    )
    made = f"`{words}` {place}"
    return Fault(
        name, made, send(step, reason, words[:3]), Known.AT_ONCE, look, _says(words, stage)
    )


def _real(
    name: str, made: str, verdict: Verdict, look: str, make: Make, lever: Lever = Lever.NONE
) -> Fault:
    return Fault(name, made, verdict, Known.AT_ONCE, look, make, lever)


async def _without_dsn(world: World) -> Changes:
    changes = await misbehaving(Stage.QUIT, lambda: Reply("221 2.0.0 Bye"))(world)
    return {**changes, "roundtrip": {"home": "delivery_status"}}


UNAVAILABLE, DEFERRED, REJECTED = Reason.UNAVAILABLE, Reason.DEFERRED, Reason.REJECTED
G, E, A, M, R, D, DOT = (
    Stage.GREETING,
    Stage.EHLO,
    Stage.AUTH,
    Stage.MAIL,
    Stage.RCPT,
    Stage.DATA,
    Stage.DOT,
)

SMTP = (
    _refused(
        "The relay is too busy to greet",
        G,
        "421 4.3.2 too many connections",
        UNAVAILABLE,
        "its load and limits",
    ),
    _refused(
        "The relay refuses us temporarily",
        G,
        "450 4.7.1 not now",
        UNAVAILABLE,
        "its greylisting and rate limits",
    ),
    _refused(
        "The relay refuses us permanently",
        G,
        "554 5.7.1 You are on a blocklist",
        REJECTED,
        "blocklists, reverse DNS of this machine's address",
    ),
    _refused(
        "The relay shuts down",
        E,
        "421 4.3.2 shutting down",
        UNAVAILABLE,
        "whether it is being restarted",
    ),
    _refused(
        "The relay refuses our EHLO name",
        E,
        "550 5.7.1 bad HELO",
        REJECTED,
        "`ehlo_name`, reverse DNS",
    ),
    _real(
        "The relay refuses our password",
        "a wrong password",
        send(Step.AUTH, Reason.AUTH, "535"),
        "whether the password was changed, has expired, or the account is locked",
        given(smtp={"password": "wrong"}),
    ),
    Fault(
        "The file with the relay's password does not exist",
        "`password: {file: …}` names a missing file",
        send(Step.AUTH, Reason.AUTH),
        Known.AT_ONCE,
        "the secret's file and who may read it",
        given(smtp={"password": {"file": "<directory>/none"}}),
        says="cannot read the secret in",
    ),
    Fault(
        "The file with the relay's password is empty",
        "`password: {file: …}` names an empty file",
        send(Step.AUTH, Reason.AUTH),
        Known.AT_ONCE,
        "the secret's file; no empty password is ever tried",
        given(smtp={"password": {"file": "/dev/null"}}),
        says="there is no secret in it",
    ),
    _refused(
        "The relay's password service is down",
        A,
        "454 4.7.0 Temporary authentication failure",
        UNAVAILABLE,
        "Dovecot's auth, LDAP, SQL behind the relay",
    ),
    _refused(
        "The relay accepts no passwords without TLS",
        A,
        "538 5.7.11 Encryption required for requested authentication mechanism",
        Reason.TLS,
        "`tls`",
    ),
    _refused(
        "The relay requires another login mechanism",
        A,
        "534 5.7.9 too weak",
        Reason.AUTH,
        "`auth`; app passwords",
    ),
    _real(
        "The relay offers no login",
        "a real server that accepts clients without a login",
        send(Step.AUTH, Reason.AUTH),
        "`port`: logins are for 587 and 465",
        given(smtp={"port": 25}),
    ),
    Fault(
        "The relay offers only logins of Windows and Kerberos",
        "`250 AUTH NTLM GSSAPI` to EHLO",
        send(Step.AUTH, Reason.AUTH),
        Known.AT_ONCE,
        "whether the server can offer another mechanism, inside TLS",
        _tickets,
        says="mailtrip does not support NTLM and GSSAPI",
    ),
    _real(
        "The relay accepts no mail without a login",
        "a real submission port without `username`",
        send(Step.RCPT, Reason.REJECTED, "554"),
        "`username` and `password`",
        given(smtp={"username": None, "password": None}),
    ),
    _refused(
        "The relay requires TLS",
        M,
        "530 5.7.0 Must issue a STARTTLS command first",
        Reason.TLS,
        "`tls`",
    ),
    _refused(
        "The relay requires a login",
        M,
        "530 5.7.0 Authentication required",
        Reason.AUTH,
        "`username`, `password`",
    ),
    _refused(
        "The relay shuts down during the session",
        M,
        "421 4.4.2 timeout exceeded",
        UNAVAILABLE,
        "its load and limits",
    ),
    _refused(
        "The relay limits how much we may send",
        M,
        "450 4.7.1 rate limit exceeded",
        DEFERRED,
        "`interval` and `gap`; other senders on this machine",
    ),
    _refused(
        "The relay has a local problem",
        M,
        "451 4.3.0 queue file write error",
        DEFERRED,
        "its log and its disk",
    ),
    _refused(
        "The relay's disk is full",
        M,
        "452 4.3.1 Insufficient system storage",
        DEFERRED,
        "`df` of its queue; Postfix wants 1.5 times `message_size_limit` free",
    ),
    _refused(
        "The relay does not accept our sender",
        M,
        "550 5.1.8 no such sender",
        REJECTED,
        "`from`; the sender's domain",
    ),
    _refused(
        "The message is too large",
        M,
        "552 5.3.4 exceeds fixed limit",
        REJECTED,
        "`size`, the server's limit",
    ),
    _refused(
        "We may not send as this sender",
        M,
        "553 5.7.1 not owned by user probe",
        REJECTED,
        "`from` and `username`",
    ),
    _real(
        "The exchanger greylists us",
        "a real exchanger, tried once",
        send(Step.RCPT, Reason.DEFERRED, "450"),
        "use `send: {mx: {}}`, which tries again as mail servers do",
        given(smtp=DIRECTLY, roundtrip={"to": "grey@lab.test"}),
    ),
    _real(
        "The exchanger cannot verify the recipient now",
        "a real exchanger, configured to refuse",
        send(Step.RCPT, Reason.DEFERRED, "451"),
        "its policy services, its recipients' directory",
        given(smtp=DIRECTLY, roundtrip={"to": "tempfail@lab.test"}),
    ),
    _refused(
        "The recipient's mailbox is full for now",
        R,
        "452 4.2.2 over quota",
        Reason.MAILBOX_FULL,
        "the quota; who else writes to the monitored mailbox",
    ),
    _real(
        "The recipient does not exist",
        "a real exchanger, with an unknown recipient",
        send(Step.RCPT, Reason.REJECTED, "550"),
        "`to`; whether the account was deleted",
        given(smtp=DIRECTLY, roundtrip={"to": "nobody@lab.test"}),
    ),
    _real(
        "The exchanger refuses the message by policy",
        "a real exchanger, configured to refuse",
        send(Step.RCPT, Reason.REJECTED, "554"),
        "the text of the reply; blocklists, SPF",
        given(smtp=DIRECTLY, roundtrip={"to": "reject@lab.test"}),
    ),
    _real(
        "The server does not relay for us",
        "a real exchanger, with a recipient in another domain",
        send(Step.RCPT, Reason.REJECTED, "554"),
        "whether a login is needed; the networks that the server relays for",
        given(smtp=DIRECTLY, roundtrip={"to": "probe@elsewhere.test"}),
    ),
    _refused(
        "The recipient's mailbox is full",
        R,
        "552 5.2.2 mailbox full",
        Reason.MAILBOX_FULL,
        "the quota; who else writes to the monitored mailbox",
    ),
    _refused(
        "The recipient's address is invalid", R, "553 5.1.3 bad address syntax", REJECTED, "`to`"
    ),
    _refused(
        "The relay defers at DATA",
        D,
        "451 4.3.0 try again",
        DEFERRED,
        "its queue and its log",
    ),
    _refused(
        "The relay has no valid recipient at DATA",
        D,
        "554 5.5.1 no valid recipients",
        REJECTED,
        "`to`",
    ),
    _refused(
        "The relay shuts down before it accepts the message",
        DOT,
        "421 4.3.2 shutting down",
        UNAVAILABLE,
        "whether it is being restarted",
    ),
    _refused(
        "The content filter is down",
        DOT,
        "451 4.7.1 Service unavailable",
        DEFERRED,
        "milter, rspamd, Amavis",
    ),
    _refused(
        "The queue's disk is full", DOT, "452 4.3.1 no space left", DEFERRED, "`df` of the queue"
    ),
    _refused(
        "The content filter classifies the message as spam",
        DOT,
        "550 5.7.1 looks like spam",
        REJECTED,
        "the filter's log; SPF, DKIM, DMARC of `from`",
    ),
    _refused(
        "The mailbox is full, but refused only after the message",
        DOT,
        "552 5.2.2 quota exceeded",
        Reason.MAILBOX_FULL,
        "the quota; who else writes to the monitored mailbox",
    ),
    _refused(
        "The message is refused because of its format",
        DOT,
        "554 5.6.0 refused",
        REJECTED,
        "`headers`, `subject`",
    ),
    Fault(
        "Another service answers on the port of the relay",
        "`HTTP/1.1 400 Bad Request` as its greeting",
        send(Step.GREETING, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`host` and `port`: which program listens there?",
        misbehaving(G, lambda: Reply("HTTP/1.1 400 Bad Request")),
    ),
    Fault(
        "The relay offers no notifications of deliveries",
        "`home: delivery_status`, and no `DSN` in its reply to EHLO",
        send(Step.MAIL, Reason.PROTOCOL),
        Known.AT_ONCE,
        "whether it offers DSN to its own clients only (Postfix: `smtpd_discard_ehlo_keywords`)",
        _without_dsn,
    ),
    Fault(
        "The relay sends an invalid reply",
        "`what was that?` to RCPT",
        send(Step.RCPT, Reason.PROTOCOL),
        Known.AT_ONCE,
        "proxies, firewalls, or an attacker on the path",
        misbehaving(R, lambda: Reply("what was that?")),
    ),
    Fault(
        "The relay's reply line is too long",
        "a reply line of a million bytes",
        send(Step.EHLO, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`host` and `port`: which program listens there?",
        misbehaving(E, lambda: Reply("250 " + "x" * 1_000_000)),
    ),
)
