"""Writes docs/web.md from the models of the web configuration file and their docstrings.

Run it in the project's directory: python -m docs.web
"""

from docs.configuration import ROOT, Page
from exporter.config.schema import json_schema
from exporter.web.basic_auth import MOST_OF_ONE_CLIENT, MOST_WAITING
from exporter.web.limits import LIMITS
from exporter.web.options import WebOptions

PAGE = ROOT / "docs/web.md"
EXAMPLE = ROOT / "examples/web.yml"
COMMAND = "python -m docs.web"

INTRODUCTION = f"""\
<!-- Generated from the models and {EXAMPLE.relative_to(ROOT)} by "{COMMAND}". Change those, not this page. -->

# How mailtrip answers HTTP

`mailtrip serve --web.config.file web.yml` answers by HTTPS, asks for logins, sets headers and limits requests. The
file has the [format of Prometheus' own exporters][toolkit], so that one file can serve them all. Without it, mailtrip
speaks plain HTTP with everybody: then let only Prometheus reach its port.

`mailtrip check --web.config.file web.yml` reports every mistake in it at once, each with line, column and cure, and
opens the certificates, too. `promtool check web-config web.yml` works as well.

```yaml
{EXAMPLE.read_text(encoding="utf-8").rstrip()}
```

Prometheus then needs to know:

```yaml
scrape_configs:
  - job_name: mailtrip
    scheme: https
    tls_config: {{ca_file: ca.crt}}
    basic_auth: {{username: prometheus, password_file: /run/secrets/mailtrip}}
    static_configs: [{{targets: ["mailtrip.example.org:10925"]}}]
```

## What happens when

* **The file and its certificates** are looked at for every connection and every request, and read again when they
  have changed. What is wrong with them is logged once, and what was read last stays in use. (Prometheus' own exporters
  answer nothing until the mistake is mended.)
* A request beyond the **rate limit** is answered with 429, whoever sends it.
* Without a **login**, or with a wrong one, the answer is 401, also on `/-/healthy`. bcrypt is slow on purpose, so it
  works in a thread of its own, and a password that was right is remembered, as a digest, until its hash changes: it
  never waits. Others wait in turns, one login of each client after the other, at most {MOST_OF_ONE_CLIENT} of one
  client and {MOST_WAITING} in all; the answer to more is 429. A name that is not known takes as long as one that is.
* A client that does not get through the **TLS handshake**, because of its certificate, its version or because it speaks
  plain HTTP, is cut off.
* **HTTP/1.1** is spoken; `http2` changes nothing. `cert`, `key` and `client_ca`, which hold a certificate instead of
  naming its file, are not known here.

## Where it answers

* `--web.listen-address` may be given several times: `:10925`, `127.0.0.1:10925`, `[::1]:10925`, or
  `unix:/run/mailtrip/web.sock`, for a proxy on the same machine. Who may connect to that socket is for its directory to
  say.
* `--web.systemd-socket` answers on the sockets of a systemd `.socket` unit (`ListenStream=`, `Accept=no`) instead.
* `--web.external-url https://mon.example.org/mailtrip` says that a proxy passes requests on. Everything then stands
  below `/mailtrip`; if the proxy takes that off, add `--web.route-prefix /`.
* It answers to **its names** alone (else 421): a web page could have a name of its own lead to mailtrip's address, and
  read what it answers (DNS rebinding). Its names are IP addresses, single words (`mailtrip`), private names (which end
  with `.local`, `.internal`, `.lan`, `.home.arpa`, `.svc`, `.cluster.local` and the like), the name of the machine, and
  those of `--web.listen-address` and `--web.external-url`. Give all others with `--web.allowed-host mail.example.org`,
  `--web.allowed-host '*.example.org'` or, to answer to all, `--web.allowed-host '*'`; the log says which name was
  refused. By HTTPS every name is taken, since the certificate says the name; so it is for Prometheus, which no browser
  can pass for.
* A browser is refused (403) when a page of somebody else asks it to `POST /-/reload` or to `GET /probe`, which sends
  mail; pages and `debug=true` may be linked to from anywhere.
* `/-/healthy` says that mailtrip runs, `/-/ready` that it answers scrapes: 503 while it stops. It stops within five
  seconds of SIGTERM: a scrape that waits for its trip is answered with what is known, and trips in flight go on after
  the next start. A second SIGTERM ends it at once.
* `/config` shows the configuration in force, with its defaults and without its secrets.

## Service discovery

`/sd` names the probes of the configuration for Prometheus, which then scrapes `/probe` for each of them; nothing has to
be relabelled:

```yaml
scrape_configs:
  - job_name: mailtrip
    http_sd_configs: [{{url: "http://mailtrip.example.org:10925/sd"}}]
```

`instance` is the target, and `probe` the name. Scrape either this way, or `/metrics` for the probes too; with both,
every series is there twice. Prometheus is sent to the address by which it has asked, so that a replica never answers
for another one.

## Slow and idle clients

No slow or idle client hinders a scrape, also without this file. There are at most {LIMITS.connections} connections, and
{LIMITS.per_address} from one address (of IPv6: from one network of 64 bits). For one more, the client with the most of
them loses one: first one that has not asked for anything yet or has not logged in, then one that does not read its
answer, then the one that has been idle for the longest. A client has {LIMITS.header:.0f} s for its TLS handshake, the
header of its first request and its login together, and {LIMITS.idle:.0f} s from an answer to the end of the next
request's header. It has {LIMITS.answer:.0f} s to read an answer, and is cut off when it reads nothing for
{LIMITS.stalled:.0f} s. Who asks for `/metrics` at the same time gets the same answer, and at most
{LIMITS.unread >> 20} MiB of answers wait to be read: beyond that the client with the most loses its oldest. The line of
a request, and each of its headers, may have 8 KiB, its body 1 KiB; a body in chunks, which does not say how long it is,
is refused.

[toolkit]: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md

## The file
"""


def page() -> str:
    """What docs/web.md has to say."""
    return Page(json_schema(WebOptions), INTRODUCTION).text()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
