"""Opening an IMAP mailbox: whose fault it is when it does not work, and that a password never goes
astray."""

from pathlib import Path

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.net.dns.resolver import Resolver
from tests.support.fast_forward import fast_forward
from tests.support.imap_rig import opened, rig
from tests.support.wanting import all_of_them


async def why(dialogue: str, **options: object) -> tuple[ProbeError, Run]:
    """The error that opening ends with."""
    async with rig(dialogue, **options) as here:
        with pytest.raises(ProbeError) as caught:
            async with here.run.phase(Phase.OPEN), here.session():
                pass
        return caught.value, here.run


@pytest.mark.parametrize(
    ("given", "mode", "port"),
    [
        ({}, "implicit", 993),
        ({"tls": "starttls"}, "starttls", 143),
        ({"tls": "none"}, "none", 143),
        ({"port": 993}, "implicit", 993),
        ({"port": 143, "username": "me", "password": "x"}, "starttls", 143),
        ({"port": 1143}, "none", 1143),
        ({"port": 1993, "tls": "implicit"}, "implicit", 1993),
    ],
)
def test_tls_and_port_have_sensible_defaults(
    given: dict[str, object], mode: str, port: int
) -> None:
    options = ImapOptions.model_validate({"host": "imap.test", **given})
    assert (options.tls_mode, options.tcp_port) == (mode, port)


@pytest.mark.parametrize(
    ("dialogue", "reason", "code", "detail"),
    [
        (
            "login-refused",
            Reason.AUTH,
            "AUTHENTICATIONFAILED",
            "127.0.0.1 refuses the login: [AUTHENTICATIONFAILED]",
        ),
        ("login-refused-without-a-code", Reason.AUTH, "", "127.0.0.1 refuses the login: wrong"),
        (
            "login-refused-with-a-private-code",
            Reason.AUTH,
            "",
            "127.0.0.1 refuses the login: [X-TRACE-4711] no",
        ),
        (
            "login-impossible-now",
            Reason.UNAVAILABLE,
            "UNAVAILABLE",
            "the directory does not answer",
        ),
        (
            "login-not-understood",
            Reason.PROTOCOL,
            "",
            "127.0.0.1 does not understand the login: what?",
        ),
        (
            "login-disabled",
            Reason.AUTH,
            "",
            "127.0.0.1 does not allow LOGIN on connections without TLS (LOGINDISABLED)",
        ),
        (
            "only-tickets",
            Reason.AUTH,
            "",
            "(LOGINDISABLED) (mailtrip does not support NTLM and GSSAPI)",
        ),
    ],
)
async def test_a_login_that_fails_says_whose_fault_it_is(
    dialogue: str, reason: Reason, code: str, detail: str
) -> None:
    error, run = await why(dialogue)
    assert (error.reason, error.code) == (reason, code)
    assert detail in error.detail
    assert run.failure(error).step is Step.LOGIN
    assert "labpass" not in "\n".join([*run.transcript, str(error)])


async def test_plain_is_used_where_login_is_disabled() -> None:
    async with opened("login-disabled-but-plain-offered"):
        pass


async def test_cram_md5_is_used_where_there_is_nothing_else() -> None:
    async with opened("cram-md5-where-login-is-disabled"):
        pass


async def test_the_mechanism_of_the_configuration_is_the_only_one_tried() -> None:
    error, _ = await why("login-disabled", auth="plain")
    assert (error.reason, error.detail) == (
        Reason.AUTH,
        "127.0.0.1 does not offer AUTHENTICATE PLAIN",
    )


async def test_a_server_that_knows_us_already_gets_no_password() -> None:
    async with opened("login-not-needed") as (session, _):
        assert session.messages is None


async def test_a_secret_that_cannot_be_read_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    error, _ = await why("no-login-wanted", password={"file": str(tmp_path / "gone")})
    assert error.reason is Reason.AUTH
    assert (
        error.detail == f"cannot read the secret in {tmp_path / 'gone'}: No such file or directory"
    )


async def test_without_a_username_there_is_no_login() -> None:
    error, _ = await why("no-login-wanted", username=None, password=None)
    assert (error.reason, error.detail) == (
        Reason.AUTH,
        "127.0.0.1 requires a login, but no `username` is configured",
    )


async def test_no_password_is_sent_in_the_clear_unless_tls_is_none() -> None:
    error, run = await why("starttls-not-offered", tls=None)
    assert (error.reason, error.detail) == (Reason.TLS, "127.0.0.1 does not offer STARTTLS")
    assert run.failure(error).step is Step.TLS


async def test_an_authority_that_cannot_be_read_is_a_matter_of_tls() -> None:
    error, _ = await why("# the client goes away\n", tls="implicit", ca_file="/nonexistent")
    assert (error.reason, error.detail) == (
        Reason.TLS,
        "cannot read ca_file /nonexistent: No such file or directory",
    )


async def test_a_greeting_that_says_no_is_told_at_its_step() -> None:
    error, run = await why("bye-in-the-greeting")
    assert error.reason is Reason.UNAVAILABLE
    assert run.failure(error).step is Step.GREETING


WITHOUT_ID = """[next connection]
S: * PREAUTH [CAPABILITY IMAP4rev1 ID] ready
C: $ SELECT "INBOX"
S: * 0 EXISTS
S: * OK [UIDVALIDITY 9] valid
S: * OK [UIDNEXT 31] next
S: $ OK
"""


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ("[close]", "127.0.0.1 cut the connection"),
        ("[may hang up]", "127.0.0.1 offers ID, but does not answer it; it will not be sent again"),
    ],
)
@fast_forward
async def test_a_server_that_does_not_survive_id_is_opened_without_from_then_on(
    answer: str, detail: str
) -> None:
    dialogue = f"""S: * PREAUTH [CAPABILITY IMAP4rev1 ID] ready
C: $ ID ("name" "mailtrip" "version" "0.1.0")
{answer}
{WITHOUT_ID * 2}"""
    async with rig(dialogue) as here:
        here.mailbox = ImapMailbox(here.options, Resolver(), id_patience=0.3)
        with pytest.raises(ProbeError) as caught:
            await here.mailbox.open(here.run, all_of_them)
        assert (caught.value.reason, caught.value.detail) == (Reason.DISCONNECTED, detail)
        for _ in range(2):
            async with here.session():
                pass


async def test_a_server_that_opens_nothing_without_id_is_told_it_again() -> None:
    identified = """S: * PREAUTH [CAPABILITY IMAP4rev1 ID] ready
C: $ ID ("name" "mailtrip" "version" "0.1.0")
"""
    opens = WITHOUT_ID.partition("ready\n")[2]
    refuses = WITHOUT_ID.partition("S: * 0")[0] + "S: $ NO Unsafe Login\n"
    dialogue = (
        f"{identified}[close]\n{refuses}" + f"[next connection]\n{identified}S: $ OK\n{opens}" * 2
    )
    async with rig(dialogue) as here:
        for words in ("cut the connection", "Unsafe Login"):
            with pytest.raises(ProbeError, match=words):
                await here.mailbox.open(here.run, all_of_them)
        for _ in range(2):
            async with here.session():
                pass
