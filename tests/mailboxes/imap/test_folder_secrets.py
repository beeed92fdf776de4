"""A server may call a folder by the password: what we say of that folder is said without it."""

from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.net.dns.resolver import Resolver
from tests.support.recording_peers import Listener
from tests.support.wanting import all_of_them

PASSWORD = "Zx9Geheim7Wort"
ANSWERS = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK",
    "LIST": f'* LIST () "/" INBOX\r\n* LIST (\\Junk) "/" {PASSWORD}\r\n{{tag}} OK',
    "SELECT": "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] valid\r\n* OK [UIDNEXT 1] next\r\n{tag} OK",
    "STATUS": "{tag} NO not that one",
}


async def test_a_folder_that_is_called_like_the_password() -> None:
    server = Listener("* OK hello", ANSWERS, default="{tag} OK")
    options = ImapOptions.model_validate(
        {
            "host": "127.0.0.1",
            "port": server.port,
            "tls": "none",
            "username": "u",
            "password": PASSWORD,
        }
    )
    run = Run(Clock(), session_timeout=5)
    try:
        session = await ImapMailbox(options, Resolver()).open(run, all_of_them)
        await session.scan()
        session.abort()
    finally:
        server.close()
    said = "\n".join(run.transcript)
    assert "STATUS of the folder <secret>" in said
    assert PASSWORD not in said
