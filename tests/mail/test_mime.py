"""Any message as a tree of parts, also one that is cut or hostile."""

import pytest

from exporter.mail.mime import MAX_DEPTH, MAX_PARTS, Part, decoded, headers_of, parameters, parse


def multipart(*pieces: str, kind: str = "mixed", end: str = "--b--\n") -> Part:
    body = "".join(f"--b\n{piece}\n" for piece in pieces)
    return parse(f"Content-Type: multipart/{kind}; boundary=b\n\n{body}{end}".encode())


def depth_of(part: Part) -> int:
    return 1 + max(map(depth_of, part.parts), default=0)


def count(part: Part) -> int:
    return 1 + sum(map(count, part.parts))


def test_headers_and_body_are_told_apart_with_any_line_ends() -> None:
    for raw in (b"A: 1\nB: 2\n\nbody", b"A: 1\r\nB: 2\r\n\r\nbody", b"A: 1\rB: 2\r\rbody"):
        part = parse(raw)
        assert (part.get("a"), part.get("b"), part.body) == ("1", "2", "body")


def test_a_fold_is_part_of_its_header_and_the_first_of_a_name_counts() -> None:
    part = parse(b"Subject: one\n two\n\tthree\nSubject: four\n\n")
    assert part.get("subject") == "one  two \tthree"
    assert len(part.all("subject")) == 2
    assert part.get("missing") == ""
    assert part.all("missing") == []


def test_the_line_above_a_message_in_a_mailbox_file_is_no_header() -> None:
    assert parse(b"From a@b Mon Nov 30\n>From c\n folded\nA: 1\n\nx").get("a") == "1"


def test_the_body_begins_behind_the_most_headers_that_are_read() -> None:
    found, start = headers_of("A: 1\nB: 2\nC: 3\n\nbody", 2)
    assert [name for name, _ in found] == ["A", "B"]
    assert "A: 1\nB: 2\nC: 3\n\nbody"[start:] == "body"
    assert headers_of("A: 1\nB: 2\nC: 3", 2)[1] == len("A: 1\nB: 2\nC: 3")


def test_parts_are_between_the_delimiters_alone() -> None:
    part = multipart("\none", "Content-Type: text/html\n\ntwo")
    assert [(one.content_type, one.content) for one in part.parts] == [
        ("text/plain", "one"),
        ("text/html", "two"),
    ]
    cut = multipart("\none", "\nhalf", end="")
    assert [one.content for one in cut.parts] == ["one", "half\n"]
    assert [one.content for one in multipart("\nsee --b here\n--bc").parts] == [
        "see --b here\n--bc"
    ]
    assert multipart(end="no delimiter").parts == []


def test_a_digest_has_messages_inside_and_a_multipart_texts() -> None:
    (inner,) = multipart("\nSubject: ours\n\nx", kind="digest").parts
    assert inner.is_message
    assert inner.parts[0].get("subject") == "ours"


def test_a_message_may_be_encoded() -> None:
    part = parse(
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogb3Vycwo="
    )
    assert part.parts[0].get("subject") == "ours"


def test_nesting_and_parts_have_a_limit() -> None:
    nested = b"Content-Type: message/rfc822\n\n" * (2 * MAX_DEPTH)
    assert depth_of(parse(nested)) == MAX_DEPTH + 1
    assert count(multipart(*["\nx"] * (2 * MAX_PARTS))) == MAX_PARTS


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("base64", "aGVsbG8=", "hello"),
        ("BASE64", "aGVs\n bG8!", "hello"),
        ("base64", "aGVsbG8gd", "hello "),
        ("base64", "a", ""),
        ("quoted-printable", "a=3Db=\nc", "a=bc"),
        ("quoted-printable", "a=ZZ", "a=ZZ"),
        ("7bit", "a=3Db", "a=3Db"),
        ("uuencode", "x", "x"),
    ],
)
def test_a_transfer_encoding_is_undone_as_far_as_possible(
    encoding: str, body: str, content: str
) -> None:
    part = parse(f"Content-Transfer-Encoding: {encoding}\n\n{body}".encode())
    assert part.content == content
    assert b"".join(part.pieces()).decode("latin-1") == content


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("text/plain; charset=utf-8", {"charset": "utf-8"}),
        ('x; Boundary="a;b\\"c"; y=2', {"boundary": 'a;b"c', "y": "2"}),
        ("x; name*=utf-8''a%20b", {"name": "a b"}),
        ('x; name*1="b"; name*0="a"', {"name": "ab"}),
        ("x; name*0*=''a%20; name*1=b%20", {"name": "a b%20"}),
        ("x; a=1; a=2", {"a": "1"}),
        ('x; a="never closed', {"a": "never"}),
        ('x; a="', {"a": ""}),
        ("x; a", {}),
        ("x", {}),
        (f"x; a={'b' * 999}", {"a": "b" * 250}),
    ],
)
def test_parameters_are_read_with_quotes_and_continuations(
    value: str, found: dict[str, str]
) -> None:
    assert parameters(value) == found


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("utf-8", "ü".encode(), "ü"),
        ("iso-8859-1", "ü".encode("latin-1"), "ü"),
        ("us-ascii", "ü".encode(), "ü"),
        ("punycode", b"a-b", "a-b"),
        ("nonsense", "ü".encode(), "ü"),
        ("", "ü".encode(), "ü"),
        ("utf-8", b"\xff", "\ufffd"),
        ("iso-2022-jp", "迷".encode("iso-2022-jp"), "迷"),
    ],
)
def test_a_text_is_decoded_by_its_charset(charset: str, body: bytes, text: str) -> None:
    part = parse(f"Content-Type: text/plain; charset={charset}\n\n".encode() + body)
    assert part.text(100) == text
    assert part.text(0) == ""


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("=?utf-8?q?a=C3=BC?=", "aü"),
        ("=?utf-8?q?a?=\n =?utf-8?q?b?=", "ab"),
        ("=?utf-8?b?w7w?= c", "ü c"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?nonsense?q?a=C3=BC?=", "aü"),
        ("plain", "plain"),
        ("\u00c3\u00bc", "ü"),
    ],
)
def test_encoded_words_are_decoded_and_others_left(header: str, text: str) -> None:
    assert decoded(header) == text
