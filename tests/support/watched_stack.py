"""Everything that the dashboards can show: round trips of many kinds and blocklists, scraped in
both ways."""

import json
import urllib.error
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from tests.lab import facts
from tests.lab.client import Lab, LabUser
from tests.support.heartbeat_rig import report
from tests.support.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.support.mailtrip_process import Exporter

ROOT = Path(__file__).resolve().parents[2]

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}

mailboxes:
  monitor: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  closed: {{imap: {{host: {dead}, tls: none, username: {user}, password: {password}}}}}
  spam: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: junk, password: {password},
      client_certificate: {{cert_file: {tls}/idp.crt, key_file: {tls}/idp.key}}}}}}

tracing: {{endpoint: "http://127.0.0.1:1"}}

modules:
  submission: &module
    interval: 2s
    timeout: 10s
    session_timeout: 2s
    targets: ["*@lab.test"]
    roundtrip: &trip
      from: probe@lab.test
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe,
          password: {password}}}}}
      mailbox: monitor
      trusted_authserv_id: mx1.lab.test
  inbound: {{<<: *module, roundtrip: {{<<: *trip, from: probe@mon.test,
      send: {{mx: {{source_address: {mon}, tls: policy, each: true, gap: 10ms}}}}}}}}
  token:
    <<: *module
    roundtrip:
      <<: *trip
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: {user},
          oauth2: {oauth2}}}}}
  spam: {{<<: *module, roundtrip: {{<<: *trip, mailbox: spam}}}}
  reputation:
    interval: 2s
    timeout: 2s
    session_timeout: 1s
    targets: ["{net}.0.0/16"]
    dnsbl: {{lists: [bl.lab.test, blclean.lab.test, blerr.lab.test]}}

  report: {{interval: 2s, heartbeat: {{mailbox: monitor, from: "backup@*", every: 26h}}}}
  unread: {{interval: 2s, heartbeat: {{mailbox: closed, from: "backup@*", every: 26h}}}}

probes:
  - {{name: unread, module: unread}}
  - {{name: nightly, module: report}}
  - {{name: relay, module: submission, matrix: {{from: [relay], to: {{user: {user}@lab.test}},
      name: providers}}}}
  - {{name: exchanger, module: inbound, target: {user}@lab.test}}
  - {{name: token, module: token, target: {user}@lab.test}}
  - {{name: junk, module: spam, matrix: {{from: [relay], to: {{junk: junk@lab.test}},
      name: providers}}}}
  - {{name: outgoing, module: reputation, target: {net}.66.1}}
"""

MAINTENANCE = """
maintenance:
  - {name: now, probes: [junk, outgoing], start: 2026-01-01T00:00:00Z, end: 2090-01-01T00:00:00Z}
"""


def configuration(lab: Lab, user: LabUser, identity: IdentityProvider) -> str:
    """Of a mailtrip that shows everything. A heartbeat has come."""
    user.deliver(report())
    oauth2 = (
        f"{{token_url: '{identity.url}', client_id: {CLIENT}, client_secret: {SECRET}, ca_file:"
        f" {lab.ca}}}"
    )
    values = {
        "oauth2": oauth2,
        "dns": lab.dns,
        "dead": lab.dead_ip,
        "ca": lab.ca,
        "tls": str(lab.directory / "etc/tls"),
        "user": user.name,
        "password": lab.password,
    }
    return CONFIGURATION.format(mon=lab.mon_ip, net=facts.NET, **values)


def scrapes(address: str, user: LabUser, rules: Path) -> str:
    """The example for Prometheus, in a hurry and without alerts; blocklists are asked for on
    /probe, too. The recording rules are written to this file, none of which waits for minutes."""
    recorded = yaml.safe_load(
        (ROOT / "dashboards/rules/mailtrip.recording.yml").read_text(encoding="utf-8")
    )
    for group in recorded["groups"]:
        group.pop("interval", None)
    rules.write_text(json.dumps(recorded))
    text = (ROOT / "examples/prometheus.yml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text.replace("localhost:10925", address))
    content["global"] = {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "1s",
    }
    content["rule_files"] = [str(rules)]
    del content["alerting"]
    own, mail = content["scrape_configs"]
    jobs = [("mail", "submission", user.address), ("exchangers", "inbound", user.address)]
    jobs += [("heartbeat", "report", "monitor")]
    jobs += [("junk", "spam", "junk@lab.test"), ("reputation", "reputation", f"{facts.NET}.66.1")]
    content["scrape_configs"] = [own] + [
        mail
        | {
            "job_name": job,
            "params": {"module": [module]},
            "static_configs": [{"targets": [target]}],
        }
        for job, module, target in jobs
    ]
    return json.dumps(content)


def provoke(exporter: Exporter, lab: Lab) -> None:
    """Asks for what is not allowed, stops the blocklists, and plans maintenance."""
    lab.stop("rbl")
    exporter.configure(exporter.file.read_text() + MAINTENANCE)
    exporter.reload()
    with suppress(urllib.error.HTTPError):
        exporter.get("/probe?module=submission&target=boss@example.org")
