"""Which parts of an arrived message are not as they were sent."""

from collections.abc import Iterator

from exporter.core.facts import Alteration, Altered
from exporter.mail.composition import boundary, is_sealed
from exporter.mail.mime import Part, in_charset
from exporter.mail.seal import Seal, digest, seal_of_html, seal_of_text
from exporter.mail.tokens import Token

_ARMOUR = "-----BEGIN PGP MESSAGE-----"  # a gateway encrypted the text in place
_CHANGED_TEXT = Alteration("text", Altered.CHANGED)


def alterations(message: Part, token: Token) -> tuple[Alteration, ...]:
    """What was changed or removed in a message as we composed it, not wrapped or converted; empty
    if that is unknown."""
    if token.word not in " ".join(message.all("message-id")).lower():
        return ()
    leaves = [*_leaves(message)]
    texts, htmls = (
        [one for one in leaves if one.content_type == f"text/{kind}" and not _is_attached(one)]
        for kind in ("plain", "html")
    )
    text = _best([seal_of_text(_decoded(one), token.word) for one in texts])
    html = _best([seal_of_html(_decoded(one), token.word) for one in htmls])
    if not text and not html:
        return () if _is_our_text_intact(message, token) else (_CHANGED_TEXT,)
    found = [] if text is None or text.is_intact else [_CHANGED_TEXT]
    if html or (text and text.has_html):
        found += _of_html(html, there=bool(htmls))
    digests = next((one.parts for one in (text, html) if one and one.is_intact), ())
    return (*found, *_of_attachments(digests, leaves))


def _is_our_text_intact(message: Part, token: Token) -> bool:
    """Whether our text is complete, of a message that has no other content."""
    ours = message
    if message.parts and message.parameters.get("boundary") == boundary(token):
        ours = message.parts[0]
    if ours.content_type != "text/plain" or ours.content.lstrip().startswith(_ARMOUR):
        return True
    return is_sealed(_decoded(ours), token)


def _of_html(seal: Seal | None, *, there: bool) -> list[Alteration]:
    if seal and seal.is_intact:
        return [] if seal.links_are_intact else [Alteration("links", Altered.CHANGED)]
    return [Alteration("html", Altered.CHANGED if there else Altered.REMOVED)]


def _of_attachments(digests: tuple[str, ...], leaves: list[Part]) -> Iterator[Alteration]:
    """Those whose content did not come. One that was replaced has changed."""
    if not digests:
        return
    came = [digest(one.pieces()) for one in leaves]
    others = sum(
        _is_attached(leaf) and one not in digests for leaf, one in zip(leaves, came, strict=True)
    )
    for number, wanted in enumerate(digests, 1):
        if wanted not in came:
            how = Altered.CHANGED if others > 0 else Altered.REMOVED
            others -= 1
            yield Alteration("attachment", how, number)


def _best(seals: list[Seal | None]) -> Seal | None:
    found = [one for one in seals if one]
    return next((one for one in found if one.is_intact), next(iter(found), None))


def _leaves(part: Part) -> Iterator[Part]:
    """Those of the message itself, and not of messages in it."""
    if part.is_message:
        return
    for inner in part.parts:
        yield from _leaves(inner)
    if not part.parts:
        yield part


def _is_attached(part: Part) -> bool:
    return part.get("content-disposition").lower().startswith("attachment")


def _decoded(part: Part) -> str:
    return in_charset(part.content, part.parameters.get("charset", ""))
