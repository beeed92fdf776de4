"""Writes docs/web.md from the models of the web configuration file and their docstrings.

Run it in the project's directory: python -m docs.web
"""

from docs.configuration import ROOT, Page
from exporter.config.schema import json_schema
from exporter.web.basic_auth import QUEUE_LIMIT, QUEUE_LIMIT_PER_CLIENT
from exporter.web.limits import LIMITS
from exporter.web.options import WebOptions

PAGE = ROOT / "docs/web.md"
EXAMPLE = ROOT / "examples/web.yml"
COMMAND = "python -m docs.web"

INTRODUCTION = f"""\
<!-- Generated from the models and {EXAMPLE.relative_to(ROOT)} by "{COMMAND}".
Change those, not this page. -->

# The HTTP server

`mailtrip serve --web.config.file web.yml` enables HTTPS, logins, headers and a rate limit. The file
has the [format of the Prometheus exporter-toolkit][toolkit], so the same file works for other
exporters. Without it, mailtrip serves plain HTTP to every client: then allow only Prometheus to
reach its port.

`mailtrip check --web.config.file web.yml` reports all errors in it, with line, column and fix, and
also opens the certificates. `promtool check web-config web.yml` works as well.

```yaml
{EXAMPLE.read_text(encoding="utf-8").rstrip()}
```

The configuration of Prometheus is then:

```yaml
scrape_configs:
  - job_name: mailtrip
    scheme: https
    tls_config: {{ca_file: ca.crt}}
    basic_auth: {{username: prometheus, password_file: /run/secrets/mailtrip}}
    static_configs: [{{targets: ["mailtrip.example.org:10925"]}}]
```

## Behaviour

* **The file and its certificates** are checked at every connection and every request, and reloaded
  when they have changed. An error in them is logged once, and the previous version stays in use.
  (Other exporters answer no requests until the error is fixed.)
* A request beyond the **rate limit** is answered with 429, for every client.
* Without a **login**, or with a wrong one, the answer is 401, also on `/-/healthy`. bcrypt is slow
  by design, so it runs in a separate thread, and a correct password is cached, as a digest, until
  its hash changes: it never waits. Other logins are queued, with one queue for each client, at most
  {QUEUE_LIMIT_PER_CLIENT} of one client and {QUEUE_LIMIT} in all; the answer to more is 429. An
  unknown name takes as long as a known one.
* A client that does not get through the **TLS handshake**, because of its certificate, its version
  or because it speaks plain HTTP, is disconnected.
* Only **HTTP/1.1** is supported; `http2` has no effect. `cert`, `key` and `client_ca`, which
  contain a certificate instead of the name of its file, are not supported.

## Addresses and names

* `--web.listen-address` may be given several times: `:10925`, `127.0.0.1:10925`, `[::1]:10925`, or
  `unix:/run/mailtrip/web.sock`, for a proxy on the same machine. The permissions of its directory
  control who can connect to that socket.
* `--web.systemd-socket` listens on the sockets of a systemd `.socket` unit (`ListenStream=`,
  `Accept=no`) instead.
* `--web.external-url https://mon.example.org/mailtrip` is for use behind a reverse proxy. All paths
  are then below `/mailtrip`; if the proxy removes that prefix, add `--web.route-prefix /`. Links in
  [alerts](alerts.md) and dashboards lead there, so it is of use without a proxy, too.
* `--web.grafana-url https://grafana.example.org` adds a link to the page of each probe with a
  mailbox: to its [dashboard](../dashboards/README.md) *One probe* in your Grafana. The URL may have
  a path, and no credentials. The link names the probe by the label `probe`, and a probe from
  `/probe` by its target, as the label `instance`; if Grafana knows several `job`s, choose there.
* `--web.documentation-url https://wiki.example.org/mailtrip` is the address of your copy of this
  documentation: the links of the pages to runbooks and explanations lead there. In the rules of the
  alerts it is set [apart](alerts.md#setting-up).
* It accepts requests only under **its names** (others get 421): otherwise a web page could make its
  own name resolve to mailtrip's address, and read the answers (DNS rebinding). Its names are IP
  addresses, single words (`mailtrip`), private names (which end with `.local`, `.internal`, `.lan`,
  `.home.arpa`, `.svc`, `.cluster.local` and the like), the name of the machine, and those of
  `--web.listen-address` and `--web.external-url`. Add other names with
  `--web.allowed-host mail.example.org`, `--web.allowed-host '*.example.org'` or, to accept all
  names, `--web.allowed-host '*'`; the log shows the refused name. Over HTTPS every name is
  accepted, because the certificate contains the name. Prometheus may use any name too, because no
  browser can send its requests.
* A browser is refused (403) when a page of another site makes it send `POST /-/reload` or
  `GET /probe`, which sends mail. Links from other sites to pages and `debug=true` are allowed.
* `--web.enable-admin-api` allows whatever changes something, sends a message or queries blocklists
  on request: `POST` to `/api/v1` ([api.md](api.md)), a button on the page of a probe that makes a
  trip now, and a form on the start page that looks up an address or a name on
  [blocklists](blocklists.md#look-up-by-hand). It is off by default. Without a login in the file
  below, every client may then use it.
* `/-/healthy` shows that mailtrip runs, `/-/ready` that it answers scrapes: 503 during shutdown. It
  stops within five seconds of SIGTERM: a scrape that waits for its trip gets the known values, and
  trips in progress continue after the next start. A second SIGTERM stops it immediately.
* `/probe?module=…&target=…&debug=true` shows the newest trips of a probe as text, also those in
  progress, with the conversations with the servers. It starts no trip. `/probe` without it is for
  Prometheus ([metrics.md](metrics.md)).
* `/config` shows the current configuration, with defaults and without secrets, in the order of
  [configuration.md](configuration.md). Browsers get a page, where each mailbox, module and probe
  has an anchor (`/config#module-NAME`); other clients, and `/config?format=text`, get text.
* The **status page** shows 100 probes at a time, failed ones first, and the number of probes in
  each state. `/?state=failed` (`ok`, `unknown`: no trip has finished yet) shows those of one state,
  `/?search=gmail+inbound` those with all these words in their name, module, target, mailbox or
  failure, `&page=2` the next 100, and `&order=outage` (`name`, `delay`, `availability`) another
  order: the newest outage first, by name, the slowest first, or the lowest availability of 30 days
  first. Such links last: a page that no longer exists shows the last one. Pages need no JavaScript.
  A page that renews itself forgets what you type: its field for a search is a link to one that does
  not, and the form for a look-up has such a link.
* `/trips?probe=NAME` (or `?module=…&target=…`) shows the trips of a probe, the newest first, and
  how many are no longer kept between them, with a chart of their delays; `&page=2` older ones.
  `/trips/ID` shows one trip, and leads to those before and after it, to its outage, and to the
  runbook of its failure; if its message came late, it says when and how. `?format=text` gives all
  of it as text, for a ticket or another postmaster, `?format=json` (or `Accept: application/json`)
  leads to its JSON. Of older trips only the verdict is kept, or nothing ([which trips are
  kept](scaling.md#which-trips-are-kept)).
* `/outages` shows the outages of all probes, or of one (`?probe=NAME`), the newest first;
  `?lasting=true` those that last. Each has a page with its bounds, its reasons with their runbooks,
  its first and last failed trip, and the OK trips before and after it.
* `/mailboxes` shows 100 mailboxes at a time, those that fail first; `?page=2` the next ones.
  `/mailboxes/NAME` shows one: whether it is connected, since when, why not and when it is tried
  next, which probes wait for it, and the newest failures that it caused.
* `/blocklists/NAME` shows one blocklist: whether it is usable, which addresses and domains it lists
  now and why, its page for delisting, what its answers mean, and which probes query it.
* The status page and the page of a probe renew themselves every 30 s, that of a trip in progress
  every 2 s; `&refresh=off` (`?refresh=off`), or a link on the page, stops that.
* Pages write times in UTC, or in the zone of `--web.time-zone Europe/Berlin` (an IANA name), each
  with its abbreviation: in the hour that comes twice in autumn, 02:30 is CEST, then CET. The months
  of the report are those of UTC. JSON, CSV, logs and metrics stay in UTC; Grafana writes times in
  the zone of its reader.
* `/report?month=2026-10` shows what
  [`mailtrip report`](cli.md#mailtrip-report-the-account-of-a-month) prints for a month, without
  `month` for this one: 100 probes at a time, the lowest availability first; `&page=2` the next
  ones. `&format=csv` and `&format=json` are files with all of them.
* Pages, `/metrics`, `/probe`, `/config` and `/sd` are compressed for clients that accept gzip. Why
  that is safe: [security.md](security.md#http-requests).

## Service discovery

`/sd` lists the probes of the configuration for Prometheus, which then scrapes `/probe` for each of
them. No relabelling is needed:

```yaml
scrape_configs:
  - job_name: mailtrip
    http_sd_configs: [{{url: "http://mailtrip.example.org:10925/sd"}}]
```

`instance` is the target, and `probe` the name. Scrape either this way, or `/metrics` for the probes
too; with both, every series exists twice. The targets have the address that Prometheus used for
`/sd`, so that a replica never answers for another one.

## Slow and idle clients

Slow or idle clients cannot block a scrape, even without this file. There are at most
{LIMITS.connections} connections, and {LIMITS.per_address} from one address (of IPv6: from one
network of 64 bits). For one more, the client with the most of them loses one: first one that has
not asked for anything yet or has not logged in, then one that does not read its answer, then the
one that has been idle for the longest. A client has {LIMITS.header:.0f} s for its TLS handshake,
the header of its first request and its login together, and {LIMITS.idle:.0f} s from an answer to
the end of the next request's header. It has {LIMITS.answer:.0f} s to read an answer, and is cut off
when it reads nothing for {LIMITS.stalled:.0f} s. Clients that request `/metrics` at the same time
share one answer, and at most {LIMITS.unread >> 20} MiB of answers wait to be read: beyond that the
client with the most loses its oldest. The request line, and each header, may have 8 KiB, the body 1
KiB; a chunked body is refused.

[toolkit]: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md

## The file
"""


def page() -> str:
    """What docs/web.md has to say."""
    return Page(json_schema(WebOptions), INTRODUCTION).text()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
