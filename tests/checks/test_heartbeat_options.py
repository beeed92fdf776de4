"""Which heartbeats can be configured, and which cannot."""

import pytest

from exporter.config.mistakes import Mistakes
from exporter.core.heartbeat import HeartbeatKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.scope import HeartbeatScope
from exporter.settings import Settings

WHOLE = """
mailboxes:
  own: {{smtpd: {{listen: "127.0.0.1:2525", recipients: [a@mon.test]}}}}
modules:
  nightly: {{{more}heartbeat: {{mailbox: own, from: "{sender}", subject: "{subject}", every: {every}}}}}
probes:
  - {{name: nightly, module: nightly{target}}}
"""  # noqa: E501
DEFAULTS = {
    "more": "",
    "sender": "backup@*",
    "subject": "*finished*",
    "every": "26h",
    "target": "",
}


def parsed(**more: str) -> Settings:
    return Settings.parse(WHOLE.format(**DEFAULTS | more).encode(), "a.yml")


def mistakes(**more: str) -> str:
    with pytest.raises(Mistakes) as caught:
        parsed(**more)
    return str(caught.value)


def test_a_heartbeat_without_a_target_has_its_mailbox_as_target() -> None:
    settings = parsed()
    (key,) = settings.entries
    assert (key.module, key.target) == ("nightly", "own")
    assert settings.allows("nightly", "own")
    assert settings.allows("nightly", "")
    assert not settings.allows("nightly", "other")
    module = settings.modules["nightly"]
    assert (module.interval, module.timeout, module.gap) == (300, 60, 1)
    assert module.recheck(module.interval) == 300
    assert module.mailboxes == ("own",)


def test_one_module_serves_many_machines() -> None:
    settings = parsed(subject="*{target}*finished*", target=", target: db1")
    heartbeat = settings.modules["nightly"].heartbeat
    assert heartbeat
    assert heartbeat.key("db1") == HeartbeatKey("own", "backup@*", "*db1*finished*")
    assert "target is missing" in mistakes(subject="{target}")
    assert "contains a wildcard" in mistakes(subject="{target}", target=', target: "db*"')
    assert not settings.allows("nightly", "db2")
    for target in ("db1\n", "a\0b", "x" * 201):
        with pytest.raises(ValueError, match="must be one line of at most 200 characters"):
            heartbeat.canonical(target)


def test_its_failures_are_those_of_its_mailbox_and_that_none_came() -> None:
    scope = parsed().scope("nightly")
    assert isinstance(scope, HeartbeatScope)
    assert scope.mailbox == "own"
    assert set(scope.failures) == {(Phase.OPEN, Reason.CONNECT), (Phase.DELIVER, Reason.MISSING)}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sender": "backup"}, "matches no address: write the whole address, or backup@*"),
        ({"sender": "*"}, "matches every sender"),
        ({"sender": "*?*"}, "matches every sender"),
        ({"subject": "x" * 201}, "at most 200 characters"),
        ({"subject": " a"}, "without spaces at its ends"),
        ({"every": "59s"}, "must be at least 1m"),
        ({"target": ", target: other"}, "does not depend on the target: omit it"),
    ],
)
def test_a_mistake_has_its_cure(more: dict[str, str], words: str) -> None:
    assert words in mistakes(**more)


def test_its_options_take_their_own_defaults_only_where_none_is_given() -> None:
    module = parsed(more="interval: 1h, timeout: 5m, ").modules["nightly"]
    assert (module.interval, module.timeout) == (3600, 300)


def test_what_it_shows_can_be_read_again() -> None:
    settings = parsed()
    assert Settings.parse(settings.shown().encode(), "a.yml") == settings
