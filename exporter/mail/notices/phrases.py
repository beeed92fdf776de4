"""Phrases of mail servers: forms of notices that are not RFC 3464 reports, and texts about the
result.

The forms are from the sources and manuals of programs, and from collections of bounces. Phrases in
other languages are in `languages` and `lateness`. No pattern has a nested repetition, and one that
begins with a repetition is anchored at its start, so that a long run is scanned once, not from each
position.
"""

from exporter.mail.notices import languages, lateness
from exporter.mail.notices.words import Phrases

NOT = r"(?:could|can|did|does|was|were|has|have|is|are|will|would)(?: ?not|n't)"
NO = r"(?:unknown|invalid|no such|bad|nonexistent|malformed)"
SOMEBODY = r"(?:user|recipient|mailbox|account|address|alias|host|domain)(?: name)?(?: is)?"

OPENINGS = Phrases(
    r"""
    this is the (?:\S+ ){0,3}(?:qmail|deliver|maildrop)\S*(?: program)? at
    hi\. this is the (?:\S+ ){1,3}(?:program|mail server|daemon) at
    this is the dragonfly mail agent
    this is the mailer-daemon, please do not reply
    this message was created automatically by (?:the )?(?:mail|facebook)
    this is the (?:mail (?:delivery )?(?:system|server|program)|postfix program|mail subsystem) at
    this is the \S+ (?:spam|mail|e-?mail)\b.{0,40}\b(?:firewall|gateway|server) at
    i'?m sorry to have to (?:inform|tell) you that
    hello, this is the mail server on
    i am sending you this message to inform you on the delivery status
    this is an? (?:automatically[- ]generated |automated )?(?:delivery status notification|bounce message)
    this report relates to a message you sent
    (?<!-)-{3,}+ ?the following addresses (?:had|failed|were)
    (?<!-)-{3,}+ ?(?:transcript of (?:the )?session follows|failed addresses follow|message log follows)
    (?<!-)-{3,}+ ?(?:delivery report|unsent message|failure reasons?)
    a transcript of the attempts to send the message
    (?:your message|message) (?:to the following recipients? )?did not reach
    did not reach the following recipient
    (?:was|were|could|can|has|have)(?: ?not|n't) (?:be |been )?delivered to (?:the following|<|one or more|all|any)
    can(?:not|'t) be delivered to (?:the following|<|one or more|all|any)
    (?:was|were|could|can|has|have|is|are|will)(?: ?not|n't) (?:be |been )?delivered to:
    deliver(?:y|ing) to (?:the following|these)\b.{0,80}?(?:failed|has been delayed|was aborted|is delayed|error)
    deliver(?:y|ing) of (?:your|the) (?:e-?mail |mail )?message to\b.{0,80}?(?:failed|delayed|unsuccessful)
    delivery has failed to these
    the following (?:recipients?|addresses|address) (?:failed|(?:could not|cannot) be reached|had delivery problems)
    the following message (?:was|could not be|is) (?:undeliverable|delivered)
    diagnostic information for administrators
    unable to deliver (?:your |the |this )?(?:e-?mail |mail )?(?:message )?to (?:the following|one or more|<)
    unable to deliver (?:your |the |this )?(?:e-?mail |mail )?(?:message )?to:
    (?:we were|i was|i wasn'?t) (?:un)?able to deliver (?:your|the) (?:message|mail)
    could not (?:deliver|send) (?:the |your )?(?:message|mail) to the following
    there was an error (?:delivering|sending) your (?:e-?mail|mail|message)
    an error (?:has )?occurred while (?:trying|attempting) to deliver
    message had (?:permanent fatal|transient non-fatal) delivery errors
    (?:message|mail) (?:that )?you sent (?:was|could not be) (?:undeliverable|delivered|returned|blocked|rejected)
    (?:message|mail) you sent to .{1,80} (?:was|could not be) (?:undeliverable|rejected|delivered|returned|blocked)
    your (?:message|mail|document)\b.{0,200}?(?:was not|could not be|cannot be|can't be|wasn't|couldn't be) delivered
    xmail bounce:
    failed recipient:
    failed to deliver to
    mercury delivery failure
    invalid final delivery userid
    undeliverable mail
    undelivered mail
    mail delivery (?:failed|failure)
    your message cannot be delivered
    your mail sent on:?.{0,80}could not be delivered
    each of the following recipients was rejected
    rejected your message to the following
    had (?:permanent|transient non-)? ?fatal errors
    your message has encountered delivery problems
    this has been a permanent failure
    delivery of (?:the|your) (?:e-?mail|mail|message) (?:was stopped|failed)
    was considered unsolicited
    your (?:message|mail|e-?mail|post)\b.{0,80}? (?:was|has been) (?:automatically )?(?:rejected|refused|bounced)
    your e-?mail (?:message )?to .{1,80}didn't work
    address (?:no longer accepts|does not accept) (?:mail|e-?mail|messages)
    you are not (?:allowed|authorized|permitted) to (?:post|send)
    (?:is|are) not (?:a )?members?\b.{0,40}(?:list|ml)\b
    only (?:subscribers|members) (?:may|can) post
    the (?:group|list) you tried to contact
    """,  # noqa: E501
    languages.FAILURE,
)
"""How the text of a notice begins, in whatever form; people who forward a message do not
write like this."""

SUBJECTS = Phrases(
    r"""
    undeliver(?:able|ed)
    non[- ]?deliver(?:y|able)
    returned (?:mail|message|to sender)
    failure notice
    failed (?:mail|delivery)
    (?:permanent |mail |message )?deliver(?:y|ies) (?:of .{1,60} )?(?:has |have )?(?:fail|error|problem|status|delay)
    (?:permanent |mail |message )?deliver(?:y|ies) (?:notification|report|unsuccess|incomplete|expired)
    (?:mail|message|e-?mail) (?:delivery )?(?:fail|error|system error|could not|undeliver|delay|status|returned|bounced)
    (?:mail|message|e-?mail) (?:you sent )?(?:was )?(?:blocked|rejected|not delivered|delivery)
    delayed mail
    (?:could not|cannot|can't|unable to) (?:send|deliver)
    bounced? mail
    (?:automatically )?rejected mail
    warning[-: ]+(?:could not|message|delayed|mail|e-?mail)\b
    there was an error sending
    request to mailing list .{1,80} rejected
    considered unsolicited bulk
    (?:virus|banned contents?) (?:in mail )?from you
    message not posted
    (?:your )?message (?:is )?(?:still (?:undeliver|not deliver|queued|waiting)|waiting)
    permanent (?:delivery )?(?:error|failure)
    """,  # noqa: E501
    languages.SUBJECTS,
)
"""How the subject of a notice begins."""

DELAY = Phrases(
    r"""
    delivery (?:has been |is |was )?(?:temporarily )?(?:delayed|incomplete)
    delivery to .{1,80} (?:has been |is )?(?:temporarily )?(?:delayed|incomplete)
    \(delay(?:ed)?\)
    delayed (?:mail|delivery|message)
    delayed\b.{0,60}\b(?:hours?|minutes?|days?)\b
    (?:message|mail) .{0,80}\bdelayed
    notification: (?:delayed|warning)
    (?:has|have|could)(?: ?not|n't) yet be(?:en)? delivered
    (?:not yet|yet to be) delivered
    hasn't been delivered yet
    has not been delivered yet
    this is a warning
    warning (?:message )?only
    (?:do|does|need) ?n[o']t (?:need to |have to )?re-?send
    (?:do|does|need) ?n[o']t (?:need to |have to )?send (?:it|your|the message) again
    no action is required
    transient non-fatal
    warning[-: ]+(?:could not|message|mail|delayed)\b
    still in (?:the|our) queue
    for the (?:past|last) [\d.]+ (?:hours?|minutes?)
    could not send (?:message|mail) for
    temporary problem delivering
    undeliverable for \d+ (?:hour|day)
    """,
    lateness.DELAY,
)
"""It may come yet."""

RETRY = Phrases(
    r"""
    (?:will|we'll|going to) (?:keep|continue|be) (?:on )?(?:to )?(?:try|retr|attempt)
    continue to (?:try|attempt|retry)
    still (?:being |be )?(?:try|retr)
    will (?:be )?(?:automatically )?(?:re-?try|re-?tried|try|tried|reattempt)
    delivery attempts will continue
    again until
    """,
    lateness.RETRY,
)
"""The same, if nothing speaks against it."""

GIVEN_UP = Phrases(
    r"""
    giv(?:en|ing) up
    gave up
    will not (?:be )?(?:re-?tr|try|attempt)
    not going to try again
    no (?:more|further) (?:attempts|delivery)
    in the queue too long
    (?:has|have) (?:permanently )?failed
    failed permanently
    retry (?:time(?:out)?|limit) exceeded
    \(fail(?:ed|ure)\)
    this is a permanent error
    envelope expired
    had permanent (?:fatal )?(?:delivery )?errors
    permanent failure
    aborted after
    will be deleted from queue
    """,
    lateness.GIVEN_UP,
)
"""It will not."""

FAILURE = Phrases(
    rf"""
    {NOT} (?:be |been )?(?:able to )?(?:be )?(?:deliver|reach|sent)
    {NOT} (?:be |been )?(?:relay|accept|rout|process|forward)
    {NOT} (?:be |been )?(?:found|transmit|exist|receiv|recogni)
    undeliver(?:able|ed)
    non-?deliver(?:able|ed|y)
    not (?:been |be )?deliver(?:ed|able)
    (?:unable|not able) to (?:deliver|send|relay|reach|complete|contact|process|find|route|be deliver)
    fail(?:ed|ure|s)? (?:to |notice|permanently|recipient|address|deliver)
    deliver(?:y|ing)? (?:of .{{1,80}} |to .{{1,80}} |attempt )?(?:has |have |was )?(?:fail|unsuccess|error|problem)
    returned (?:mail|message|to sender)
    mail (?:failure|error|system error)
    (?:permanent|fatal) (?:fatal )?(?:delivery )?(?:error|failure)
    {SOMEBODY} (?:unknown|invalid|disabled|unavailable)
    {SOMEBODY} (?:inactive|suspended|locked)
    {SOMEBODY} not (?:found|known|valid|listed|available)
    {NO} (?:local |final |destination )?(?:user|recipient|mailbox|account)
    {NO} (?:local |final |destination )?(?:address|person|domain|host|delivery)
    (?:mailbox|inbox|quota|storage) (?:is |has been )?(?:full|exceeded)
    (?:over|exceeds?|exceeded) (?:\w+ )?(?:quota|allowed size|size limit|storage)
    rejected
    refused
    blocked\b
    bounced?\b
    relaying denied
    access denied
    not (?:allowed|authorized|permitted) to (?:post|send)
    may not exist
    (?:is|are) not (?:a )?members?\b
    was aborted
    was stopped
    didn't work
    no longer accepts
    giv(?:en|ing) up
    expired\b
    5\d\d[- ]#?5\.\d{{1,3}}\.\d{{1,3}}
    """,  # noqa: E501
    languages.FAILURE,
    languages.REASON,
)
"""It was not delivered."""

SUCCESS = Phrases(
    r"""
    (?:has been |was |were |is )?(?:successfully )?(?:relayed|expanded|delivered) to
    (?:has been|was|were) (?:successfully )?(?:relayed|expanded|delivered)\b
    delivery (?:confirmation|receipt|was successful|successful|succeeded)
    successfully (?:delivered|relayed|sent)
    successful (?:mail )?delivery
    return receipt
    \((?:relayed|relay|success)\)
    (?:relayed|delivered|expanded):
    """,
    lateness.SUCCESS,
)
"""It was delivered, or another server is responsible for it."""
