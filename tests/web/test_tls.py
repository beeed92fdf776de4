"""HTTPS on real sockets: certificates that are renewed, clients with certificates, versions, and
clients that hang."""

import asyncio
import logging
import ssl

import pytest
import trustme

from exporter.core.model import ProbeKey
from exporter.web.tls import Tls
from exporter.web.web_config import load_web_options
from tests.support.http_site import GOOD, Site
from tests.support.https_site import get, refused, secure_site
from tests.support.scopes import SUBMISSION
from tests.support.web_config_folder import CLIENTS, NAME, TLS, USERS, Folder


async def certificate_of(here: Site, context: ssl.SSLContext) -> str:
    """The name in it."""
    reader, writer = await asyncio.open_connection(
        here.host, here.port, ssl=context, server_hostname="127.0.0.1"
    )
    shown = writer.get_extra_info("peercert")
    writer.close()
    await reader.read()
    return str(shown["subjectAltName"][0][1])


async def test_a_scrape_over_tls(folder: Folder) -> None:
    async with secure_site(folder) as here:
        assert await get(here, folder.client(), GOOD) == 200
        # Which does not know the authority.
        assert await refused(here, ssl.create_default_context())


async def test_large_answers_and_many_requests_on_one_connection_pass_through_tls(
    folder: Folder,
) -> None:
    async with secure_site(folder) as here:
        for number in range(150):
            here.rig.metrics.known(
                ProbeKey("relay", f"{number}@example.org"), f"probe-{number}", SUBMISSION
            )
        url, context = f"https://{here.host}:{here.port}/metrics", folder.client()
        for _ in range(3):
            async with here.http.get(
                url, ssl=context, headers={"Accept-Encoding": "identity"}
            ) as answer:
                text = await answer.read()
                assert len(text) > 1_000_000
                assert text.count(b'mailtrip_trips_total{probe="probe-') == 150
        assert len(here.server._connection_limits._connections) == 1  # type: ignore[union-attr]


async def test_a_renewed_certificate_is_shown_to_the_next_client(folder: Folder) -> None:
    async with secure_site(folder) as here:
        for name in (NAME, "renewed.test", "renewed-again.test"):
            folder.issue(name)
            assert await certificate_of(here, folder.client()) == name


async def test_half_a_renewal_is_told_once_and_the_old_certificate_stays(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    key = folder.path / "server.key"
    async with secure_site(folder) as here:
        new = folder.authority.issue_cert("renewed.test", "127.0.0.1")
        new.cert_chain_pems[0].write_to_path(folder.path / "server.crt")
        for _ in range(3):
            assert await certificate_of(here, folder.client()) == NAME
        told = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
        assert told == [
            "cannot reload the certificate, keeping the previous version: cannot use"
            f" {folder.path / 'server.crt'} with {key}:"
            " the key does not match the certificate"
        ]
        new.private_key_pem.write_to_path(key)
        assert await certificate_of(here, folder.client()) == "renewed.test"
        key.unlink()
        assert await certificate_of(here, folder.client()) == "renewed.test"
        assert f"cannot read {key}: No such file or directory" in caplog.text


async def test_a_certificate_that_is_swapped_as_kubernetes_does_it_is_noticed(
    folder: Folder,
) -> None:
    for number, name in enumerate((NAME, "renewed.test")):
        data = folder.path / f"..data{number}"
        data.mkdir()
        issued = folder.authority.issue_cert(name, "127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(data / "server.crt")
        issued.private_key_pem.write_to_path(data / "server.key")
    link = folder.path / "..data"
    link.symlink_to("..data0")
    async with secure_site(folder, TLS.replace(": server", ": ..data/server")) as here:
        assert await certificate_of(here, folder.client()) == NAME
        (folder.path / "new").symlink_to("..data1")
        (folder.path / "new").rename(link)
        assert await certificate_of(here, folder.client()) == "renewed.test"


async def test_a_client_needs_a_certificate_of_the_right_authority(folder: Folder) -> None:
    async with secure_site(folder, TLS + CLIENTS) as here:
        assert await get(here, folder.client("prometheus.test")) == 200
        assert await refused(here, folder.client())
        assert await refused(here, folder.client("prometheus.test", authority=folder.authority))
        assert await refused(here, folder.client("prometheus.test", authority=trustme.CA()))


async def test_a_certificate_that_is_not_needed_is_verified_all_the_same(folder: Folder) -> None:
    text = TLS + CLIENTS.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
    async with secure_site(folder, text + "  client_allowed_sans: [prometheus.test]") as here:
        assert await get(here, folder.client()) == 200
        assert await get(here, folder.client("prometheus.test")) == 200
        assert await refused(here, folder.client("other.test"))
        assert await refused(here, folder.client("prometheus.test", authority=folder.authority))


@pytest.mark.parametrize(
    ("names", "admitted"),
    [
        (("prometheus.test",), True),
        (("other.test", "prometheus.test"), True),
        (("192.0.2.7",), True),
        (("2001:db8::7",), True),
        (("monitor@prometheus.test",), True),
        (("other.test",), False),
        (("sub.prometheus.test",), False),
        (("192.0.2.70",), False),
        (("prometheus@prometheus.test",), False),
    ],
)
async def test_only_the_names_in_the_list_are_admitted(
    names: tuple[str, ...], admitted: bool, folder: Folder
) -> None:
    allowed = '["prometheus.test", "192.0.2.7", "2001:db8::7", "monitor@prometheus.test"]'
    async with secure_site(folder, f"{TLS}{CLIENTS}  client_allowed_sans: {allowed}") as here:
        assert await refused(here, folder.client(*names)) is not admitted


def test_of_the_names_in_a_certificate_those_count_that_count_for_the_toolkit(
    folder: Folder,
) -> None:
    text = f"{TLS}{CLIENTS}  client_allowed_sans: [spiffe://prometheus.test, DirName]"
    options = load_web_options(folder.write(text)).tls_server_config
    assert options
    tls = Tls(options)
    assert tls.admits(
        {"subjectAltName": (("DNS", "other.test"), ("URI", "spiffe://prometheus.test"))}
    )
    assert not tls.admits({"subjectAltName": (("othername", "spiffe://prometheus.test"),)})
    assert not tls.admits({"subject": ((("commonName", "spiffe://prometheus.test"),),)})


async def test_another_authority_for_clients_counts_from_the_next_connection(
    folder: Folder,
) -> None:
    async with secure_site(folder, TLS + CLIENTS) as here:
        assert await get(here, client := folder.client("prometheus.test")) == 200
        other = trustme.CA()
        other.cert_pem.write_to_path(folder.path / "clients.crt")
        assert await refused(here, client)
        assert await get(here, folder.client("prometheus.test", authority=other)) == 200


@pytest.mark.parametrize(
    ("options", "client", "agreed"),
    [
        ("", "TLSv1_2", "TLSv1.2"),
        ("", "TLSv1_3", "TLSv1.3"),
        ("  min_version: TLS13", "TLSv1_2", None),
        ("  min_version: TLS13", "TLSv1_3", "TLSv1.3"),
        ("  max_version: TLS12", "TLSv1_3", None),
        ("  max_version: TLS12", "TLSv1_2", "TLSv1.2"),
        ("  cipher_suites: [TLS_AES_128_GCM_SHA256]", "TLSv1_2", None),
        (
            "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]",
            "TLSv1_2",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
        ),
    ],
)
async def test_versions_and_ciphers(
    options: str, client: str, agreed: str | None, folder: Folder
) -> None:
    context = folder.client()
    context.minimum_version = context.maximum_version = ssl.TLSVersion[client]
    async with secure_site(folder, TLS + options) as here:
        try:
            _, writer = await asyncio.open_connection(here.host, here.port, ssl=context)
        except (ssl.SSLError, ConnectionError):
            assert agreed is None
        else:
            tls = writer.get_extra_info("ssl_object")
            assert agreed in (tls.version(), tls.cipher()[0])
            assert tls.selected_alpn_protocol() is None
            writer.close()


async def test_another_version_and_another_curve_count_from_the_next_connection(
    folder: Folder,
) -> None:
    old = folder.client()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    other = folder.client()
    other.set_ecdh_curve("prime256v1")
    async with secure_site(folder) as here:
        assert [await get(here, old), await get(here, other)] == [200, 200]
        folder.write(TLS + "  min_version: TLS13")
        assert await refused(here, old)
        folder.write(TLS + "  curve_preferences: [CurveP384]")
        assert await refused(here, other)
        assert await get(here, old) == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_tls_1_1_is_refused_to_who_speaks_nothing_newer(folder: Folder) -> None:
    context = folder.client()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with secure_site(folder) as here:
        assert await refused(here, context)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert await get(here, context) == 200


async def test_a_client_that_would_speak_http_2_is_told_to_speak_1_1(folder: Folder) -> None:
    context = folder.client()
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with secure_site(folder) as here:
        _, writer = await asyncio.open_connection(here.host, here.port, ssl=context)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        writer.close()


def test_ciphers_and_their_order_are_set_as_written(folder: Folder) -> None:
    order = ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"]
    for preference in (True, False):
        text = (
            f"  cipher_suites: [{', '.join(order)}]\n  prefer_server_cipher_suites:"
            f" {str(preference).lower()}"
        )
        options = load_web_options(folder.write(TLS + text)).tls_server_config
        assert options
        context = Tls(options).context()
        names = [one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3"]
        assert names == ["ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA"]
        assert bool(context.options & ssl.OP_CIPHER_SERVER_PREFERENCE) is preference


async def test_tls_can_be_switched_on_while_it_runs_and_not_off(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    async with secure_site(folder, "http_server_config: {http2: false}") as here:
        assert (await here.get("/-/healthy"))[0] == 200
        folder.write(TLS)
        assert await get(here, folder.client()) == 200
        folder.write(USERS)
        assert await get(here, folder.client()) == 200, (
            "without a login: the whole file is not used"
        )
        assert (
            "web.yml: tls_server_config: is missing; disabling TLS needs a restart" in caplog.text
        )
        folder.write(TLS + USERS)
        assert await get(here, folder.client()) == 401
