"""What breaks things, and mends them again."""

import ipaddress
import shutil
import time
from functools import partial

from tests.lab import certificates, configure, facts
from tests.lab.rundir import RunDirectory, replace_file
from tests.lab.servers import Server, all_servers
from tests.lab.shell import LabError, has_address, run, wait_until

BROKEN_TLS = ["key", "cipher"]
STOPPABLE = ["mx", "relay", "imap", "store", "dns", "rbl", "policies", "rspamd", "clamd"]
Entries = dict[tuple[str, str], bool]
"""Whether an entry is on a blocklist."""


def stop(rundir: RunDirectory, server: str) -> None:
    """stop one server: mx relay imap store dns rbl policies rspamd clamd"""
    _stoppable(rundir, server).stop()


def start(rundir: RunDirectory, server: str) -> None:
    """start it again"""
    stopped = _stoppable(rundir, server)
    stopped.start()
    stopped.wait_ready()


def pause_delivery(rundir: RunDirectory) -> None:
    """the MX takes mail but keeps it in its queue (and the hop keeps slow mail)"""
    rundir.set_state("paused", "yes")
    _configure_again(rundir)


def resume_delivery(rundir: RunDirectory) -> None:
    """deliver again, also what waited"""
    rundir.forget_state("paused")
    _configure_again(rundir)
    # a reload ends the queue manager; the flush must reach the new one
    time.sleep(0.5)
    flush(rundir)


def expire_certificates(rundir: RunDirectory) -> None:
    """MX, RELAY and IMAP show an expired certificate"""
    _show_certificates(rundir, "expired")


def restore_certificates(rundir: RunDirectory) -> None:
    """they show a good certificate again"""
    _show_certificates(rundir, "good")


def break_tls(rundir: RunDirectory, how: str) -> None:
    """the MX offers STARTTLS and has broken TLS: `key` is not that of its certificate, or it has
    no `cipher` for it"""
    if how not in BROKEN_TLS:
        raise LabError(f"there is no way '{how}' to break TLS: {' '.join(BROKEN_TLS)}")
    rundir.set_state("tls", how)
    _change_tls(rundir, works=False)


def mend_tls(rundir: RunDirectory) -> None:
    """its TLS is good again"""
    rundir.forget_state("tls")
    _change_tls(rundir, works=True)


def mon(rundir: RunDirectory, target: str) -> None:
    """where mail for mon.test goes: HOST:PORT, dns (by its MX record) or dovecot (the mailbox
    monitor)"""
    if target not in ("dns", "dovecot"):
        configure.split_host_port(target)
    rundir.set_state("mon", target)
    _configure_again(rundir)


def list_entry(rundir: RunDirectory, entry: str, zone: str = "bl") -> None:
    """put an address (or, in dbl, a domain) on a blocklist: bl (default) blclean blall blerr dbl"""
    _change_blocklist(rundir, entry, zone, listed=True)


def unlist_entry(rundir: RunDirectory, entry: str, zone: str = "bl") -> None:
    """take it off again"""
    _change_blocklist(rundir, entry, zone, listed=False)


def queue(rundir: RunDirectory) -> None:
    """show the mail queues of MX and RELAY"""
    for name in configure.POSTFIX:
        print(
            f"== {name}\n{run('postqueue', '-c', rundir.path(f'etc/postfix-{name}'), '-p')}", end=""
        )


def flush(rundir: RunDirectory) -> None:
    """try to deliver all queued mail now"""
    for name in configure.POSTFIX:
        if all_servers(rundir)[name].main_pid():
            run("postqueue", "-c", rundir.path(f"etc/postfix-{name}"), "-f")


def purge(rundir: RunDirectory, *users: str) -> None:
    """empty these mailboxes; without a name all of them, and the queues"""
    if not users:
        for name in configure.POSTFIX:
            run("postsuper", "-c", rundir.path(f"etc/postfix-{name}"), "-d", "ALL")
    if unknown := set(users) - set(facts.MAILBOXES):
        raise LabError(f"there is no mailbox {' '.join(unknown)}")
    for user in users or facts.MAILBOXES:
        shutil.rmtree(rundir.path("var/mail", user, "Maildir"), ignore_errors=True)
    configure.make_mailboxes(rundir)


def pull_back(rundir: RunDirectory) -> None:
    """Every lever back to where it was; stopped servers and blocklists are for `up`."""
    if rundir.state("mon", facts.DEFAULT_MON) != facts.DEFAULT_MON:
        mon(rundir, facts.DEFAULT_MON)
    if rundir.state("paused", "no") == "yes":
        resume_delivery(rundir)
    if rundir.state("tls", "good") != "good":
        mend_tls(rundir)
    if rundir.state("certificate", "good") != "good":
        restore_certificates(rundir)


def _stoppable(rundir: RunDirectory, name: str) -> Server:
    if name not in STOPPABLE:
        raise LabError(f"there is no server {name} to stop or start: {' '.join(STOPPABLE)}")
    return all_servers(rundir)[name]


def _configure_again(rundir: RunDirectory) -> None:
    configure.render_templates(rundir)
    _reload_postfix(rundir)


def _reload_postfix(rundir: RunDirectory) -> None:
    for name in configure.POSTFIX:
        if all_servers(rundir)[name].main_pid():
            run("postfix", "-c", rundir.path(f"etc/postfix-{name}"), "reload")


def _show_certificates(rundir: RunDirectory, kind: str) -> None:
    rundir.set_state("certificate", kind)
    certificates.install(rundir)
    _reload_postfix(rundir)
    servers = all_servers(rundir)
    servers["imap"].reload()
    for name in certificates.SERVERS_OF_THE_LAB:
        if servers[name].main_pid():
            certificates.wait_until_shown(rundir, name)


def _change_tls(rundir: RunDirectory, *, works: bool) -> None:
    _configure_again(rundir)
    if all_servers(rundir)["mx"].main_pid() and not wait_until(
        lambda: certificates.tls_works() == works, 10, pause=0.2
    ):
        raise LabError(f"TLS of the MX {'is still broken' if works else 'still works'} after 10 s")


def _change_blocklist(rundir: RunDirectory, entry: str, zone: str, *, listed: bool) -> None:
    file = rundir.path("var/rbl", zone)
    if not file.exists():
        raise LabError(f"there is no blocklist {zone}")
    lines = [line for line in file.read_text().splitlines() if line != entry]
    replace_file(file, "\n".join([*lines, entry] if listed else lines) + "\n")
    all_servers(rundir)["rbl"].reload()
    wait_for_entries({(entry, zone): listed})


def changed_entries(rundir: RunDirectory) -> Entries:
    """What `list` and `unlist` have changed, and how it is without that."""
    changed: Entries = {}
    if not rundir.path("var/rbl").exists():
        return changed  # a lab that has never run has no keys either, which the zones need
    for zone, text in configure.blocklists(rundir).items():
        file = rundir.path("var/rbl", zone)
        now = set(file.read_text().splitlines()) if file.exists() else set()
        before = set(text.splitlines())
        if now:
            changed |= {(entry, zone): entry in before for entry in now ^ before}
    return changed


def wait_for_entries(entries: Entries) -> None:
    """Until the resolver, which remembers answers, says so, too."""
    for (entry, zone), listed in entries.items():
        name = f"{_name_in_blocklist(entry)}.{zone}.lab.test"
        if not wait_until(partial(_resolver_agrees, name, listed), 10):
            raise LabError(f"{entry} is {'not' if listed else 'still'} listed by {zone} after 10 s")


def _resolver_agrees(name: str, listed: bool) -> bool:
    return has_address(name, facts.DNS_IP) == listed


def _name_in_blocklist(entry: str) -> str:
    try:
        reverse = ipaddress.ip_address(entry).reverse_pointer
    except ValueError:
        return entry
    return reverse.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
