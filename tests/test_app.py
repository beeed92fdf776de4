"""The composition root: what a change of the settings does, and how it ends."""

from pathlib import Path

import pytest

from exporter.app import App
from exporter.config.mistakes import Mistakes
from exporter.core.model import ProbeKey
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store

TEXT = """
state: {dir: %s}
mailboxes: {own: {maildir: {path: /nowhere/own}}, more: {maildir: {path: /nowhere/more}}}
modules:
  a: {targets: ["*"], timeout: 61s, session_timeout: 60s,
      roundtrip: {from: b@example.org, send: {mx: {}}, mailbox: own}}
probes: [{name: one, module: a, target: you@example.org}]
"""
ONE, TWO = ProbeKey("a", "you@example.org"), ProbeKey("a", "two@example.org")


def settings(directory: str = "/nowhere", more: str = "") -> Settings:
    return Settings.parse((TEXT % directory + more).encode(), "mailtrip.yml")


def of(given: Settings) -> App:
    return App(given, Store.open(None), new_key())


async def test_it_has_a_watcher_for_each_mailbox_and_a_probe_for_each_entry() -> None:
    async with of(settings()) as app:
        assert [*app.watchers] == ["own", "more"]
        assert [probe.key for probe in app.probes] == [ONE]


async def test_new_settings_count_at_once_and_what_stays_goes_on() -> None:
    text = TEXT % "/nowhere"
    text = text.replace("more: {maildir: {path: /nowhere/more}}", "other: {maildir: {path: /o}}")
    text = text.replace(
        "example.org}]", f"example.org}}, {{name: two, module: a, target: {TWO.target}}}]"
    )
    async with of(settings()) as app:
        probe, watcher = app.probes.get(ONE), app.watchers["own"]
        app.configure(Settings.parse(text.encode(), "mailtrip.yml"))
        assert [one.key for one in app.probes] == [ONE, TWO]
        assert app.probes.get(ONE) is probe
        assert app.watchers["own"] is watcher
        assert "other" in app.watchers


async def test_a_change_that_needs_a_restart_changes_nothing() -> None:
    before = settings()
    async with of(before) as app:
        with pytest.raises(Mistakes, match="state: cannot change while mailtrip runs"):
            app.configure(settings("/elsewhere"))
        assert app.settings is before


async def test_the_state_is_closed_at_the_end(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    async with App(settings(), store, new_key()) as app:
        app.recover()
    await Store.open(tmp_path).close()  # it would be refused while another has it
