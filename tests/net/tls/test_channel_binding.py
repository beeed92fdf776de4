"""What both sides know of a TLS session, by OpenSSL on either side."""

import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.sasl.conversation import NoLoginSent
from exporter.net.sasl.mechanisms import in_order, password_mechanism
from exporter.net.tls.channel_binding import binding_of
from tests.support.scram_server import ScramServer
from tests.support.tls_session import Digest, session

PASSWORD = "correct-horse-battery"


def test_until_tls_1_2_the_handshake_itself_is_known(tmp_path: Path) -> None:
    client, server = session(tmp_path, ssl.TLSVersion.TLSv1_2, SHA256())
    binding = binding_of(client)
    assert binding is not None
    assert binding.type == "tls-unique"
    assert binding.data == server.get_channel_binding("tls-unique")


@pytest.mark.parametrize("digest", [SHA256(), SHA384(), SHA512()], ids=lambda one: one.name)
def test_with_tls_1_3_the_certificate_is_known(tmp_path: Path, digest: Digest) -> None:
    client, _ = session(tmp_path, ssl.TLSVersion.TLSv1_3, digest)
    certificate = client.getpeercert(binary_form=True)
    assert certificate
    binding = binding_of(client)
    assert binding is not None
    assert binding.type == "tls-server-end-point"
    assert binding.data == hashlib.new(digest.name, certificate).digest()


def test_a_signature_without_a_hash_binds_nothing(tmp_path: Path) -> None:
    client, _ = session(tmp_path, ssl.TLSVersion.TLSv1_3, None)
    assert binding_of(client) is None
    with pytest.raises(ProbeError, match="the signature of its certificate has no hash") as caught:
        password_mechanism("scram-sha-1-plus", "me", PASSWORD, "mx.test", client)
    assert caught.value.reason is Reason.AUTH
    assert isinstance(caught.value.__cause__, NoLoginSent)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_a_bound_login_works_at_its_own_server_only(tmp_path: Path, version: str) -> None:
    client, server = session(tmp_path, ssl.TLSVersion[version], SHA256())
    other, _ = session(tmp_path, ssl.TLSVersion[version], SHA256())
    certificate = client.getpeercert(binary_form=True) or b""
    known = (
        server.get_channel_binding("tls-unique")
        if version == "TLSv1_2"
        else hashlib.sha256(certificate).digest()
    )
    for tls, good in ((client, True), (other, False)):
        there = ScramServer("sha512", PASSWORD, known or b"")
        scram = password_mechanism("scram-sha-512-plus", "me", PASSWORD, "mx.test", tls)
        final = await scram.answer(there.first(scram.initial_response() or b""))
        answer = there.final(final or b"")
        assert there.succeeded is good, answer


@pytest.mark.parametrize(
    ("version", "chosen", "flag"),
    [("TLSv1_2", False, "y"), ("TLSv1_2", True, "n"), ("TLSv1_3", False, "n")],
)
def test_what_is_said_of_bindings_where_none_is_offered(
    tmp_path: Path, version: str, chosen: bool, flag: str
) -> None:
    client, _ = session(tmp_path, ssl.TLSVersion[version], SHA256())
    scram = password_mechanism("scram-sha-256", "me", PASSWORD, "mx.test", client, chosen=chosen)
    assert (scram.initial_response() or b"").decode().partition(",")[0] == flag


def test_bound_mechanisms_come_first_where_servers_expect_what_we_can_compute(
    tmp_path: Path,
) -> None:
    older, _ = session(tmp_path, ssl.TLSVersion.TLSv1_2, SHA256())
    newer, _ = session(tmp_path, ssl.TLSVersion.TLSv1_3, SHA256())
    unbound = ("scram-sha-256", "scram-sha-512", "scram-sha-1", "cram-md5")
    bound = ("scram-sha-256-plus", "scram-sha-512-plus", "scram-sha-1-plus")
    assert in_order(older) == (*bound, *unbound)
    assert in_order(newer) == (*unbound, *bound)
    assert in_order(None) == unbound


def test_without_tls_there_is_nothing_to_bind_to() -> None:
    with pytest.raises(ProbeError, match="there is no TLS"):
        password_mechanism("scram-sha-1-plus", "me", PASSWORD, "mx.test")
