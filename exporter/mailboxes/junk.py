"""Names of junk folders, used when the server marks none by special use (RFC 6154)."""

from collections.abc import Iterable
from unicodedata import normalize

from exporter.core.reasons import Reason

_NAMES = """
    Junk, Spam, Junk E-mail, Junk Email, Junk-E-Mail, Junk Mail, Bulk, Bulk Mail, Spamverdacht,
    Unerwünscht, Unerwünschte Werbung, Courrier indésirable, Indésirables, Pourriel, Pourriels,
    Correo no deseado, No deseado, Correo basura, Correu brossa, Lixo eletrônico, Lixo
    eletrónico, Posta indesiderata, Ongewenste e-mail, Ongewenste mail, Uønsket mail, Uønsket
    e-mail, Uønsket post, Søppelpost, Skräppost, Roskaposti, Rämpspost, Niechciane,
    Wiadomości-śmieci, Nevyžádaná pošta, Nevyžiadaná pošta, Neželena pošta, Neželjena pošta,
    Levélszemét, Mesaje nedorite, Спам, Нежелательная почта, Небажана пошта, Нежелана поща,
    Gereksiz, Gereksiz e-posta, Önemsiz e-posta, İstenmeyen e-posta, Ανεπιθύμητα, Ανεπιθύμητη
    αλληλογραφία, דואר זבל, البريد العشوائي, هرزنامه, Thư rác, สแปม, 迷惑メール,
    垃圾邮件, 垃圾郵件, 垃圾電郵, 스팸, 스팸메일함, 정크 메일
"""


def _canonical(name: str) -> str:
    return normalize("NFC", name).casefold()


_JUNK = frozenset(_canonical(name.strip()) for name in _NAMES.split(","))


def is_junk(name: str) -> bool:
    """Whether this is the name of a junk folder, decoded and without its parent folders."""
    return _canonical(name) in _JUNK


def reasons_of_folders(names: Iterable[str]) -> frozenset[Reason]:
    """`junk`, if one of the folders that are searched may be one for spam: the inbox is none."""
    return frozenset({Reason.JUNK} if any(name.upper() != "INBOX" for name in names) else ())
