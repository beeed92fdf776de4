"""The flags of the command line, spelled as in Prometheus' own exporters. Its imports are fast."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from exporter import __version__
from exporter.commands.exit_status import UNKNOWN, USAGE
from exporter.config.confusables import odd_in
from exporter.config.url_login import has_password

DEFAULT_CONFIG = "mailtrip.yml"
"""In the working directory, as other exporters have it."""

DEFAULT_LISTEN = ":10925"
MAX_TARGETS = 10_000
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")
MAINTENANCE_ACTIONS = ("start", "stop", "list")
DEFAULT_URL, URL_VARIABLE = f"http://localhost{DEFAULT_LISTEN}", "MAILTRIP_URL"
SEND_PASSWORD, MAILBOX_PASSWORD = "MAILTRIP_SEND_PASSWORD", "MAILTRIP_MAILBOX_PASSWORD"
"""The environment variables with the passwords for `--send` and `--mailbox`."""

REPORT_FORMATS = ("text", "html", "csv", "json")
STATUS_FORMATS = ("text", "json", "nagios")
NAGIOS_OUTPUT = 8000, 4000, 1_000_000  # bytes: by default, at least, at most
SLOW = 300.0  # seconds, as in the alert MailtripDeliverySlow
DKIM_KINDS, DKIM_BITS = ("rsa", "ed25519"), (2048, 3072, 4096)
_CONFIG = re.compile(r"(-c|-f|--conf|--file|--config([-_.](file|path))?)(=.*)?")
"""How other programs name what is `--config.file` here."""
_PASSWORD = re.compile(r"-p|--pa[a-z]*(=.*)?", re.DOTALL)
"""What a password may follow; also an abbreviation of `--password.file`."""
_VISIBLE = (
    "other users can see a password on the command line: write it into a file for --password.file,"
    f" or into the address in the variable {URL_VARIABLE}"
)
_TALKING = ("status", "maintenance")
"""Commands that talk to a running mailtrip."""


_EXAMPLES = """\
examples:
  mailtrip serve                                   try it out, without servers
  mailtrip init                                    ask for servers, write mailtrip.yml
  mailtrip check --try mailtrip.yml                report errors, try all logins
  mailtrip probe --config.file mailtrip.yml NAME   make one trip and show it
  mailtrip lookup 192.0.2.1                        is it on a blocklist?

All flags: mailtrip COMMAND --help, and man mailtrip."""


class _UsageError(Exception):
    """The command line is wrong: one line with the cure."""


class _Parser(argparse.ArgumentParser):
    """Raises _UsageError instead of ending the program."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{self.prog}: {message}; see {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Raises OSError, which argparse suppresses: exit status 0 would hide incomplete output."""
        (file or sys.stderr).write(message)


def read(arguments: Sequence[str]) -> argparse.Namespace:
    """Parses the command line. Exits after `--help` or `--version`, and on usage errors."""
    try:
        return _read(arguments)
    except _UsageError as error:
        if is_plugin(arguments):
            print(f"MAILTRIP UNKNOWN: {re.sub('mailtrip( [a-z-]+)?: ', '', str(error), count=1)}")
            sys.exit(UNKNOWN)
        print(error, file=sys.stderr)
        sys.exit(USAGE)


def is_plugin(arguments: Sequence[str]) -> bool:
    """Whether a monitoring system reads the output: then errors have its form, too."""
    pairs = pairwise(arguments)
    return "--format=nagios" in arguments or ("--format", "nagios") in pairs


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises _UsageError."""
    parser, commands = _parser()
    if not arguments:
        parser.print_help(sys.stderr)
        sys.exit(USAGE)
    if (named := arguments[0]) not in commands and not named.startswith("-"):
        close = get_close_matches(named.lower(), commands, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        parser.error(f"unknown command {named!r}{hint}")
    command = commands.get(named, parser)
    for argument in arguments:
        if _CONFIG.fullmatch(argument) and argument.partition("=")[0] != "--config.file":
            command.error(
                f"unknown flag {argument.partition('=')[0]}: use --config.file FILE for the"
                " configuration"
            )
        if named in _TALKING and _PASSWORD.fullmatch(argument):
            command.error(_VISIBLE)
    options, left = parser.parse_known_args(arguments)
    command = commands[options.command]
    if named in left and (flag := named.partition("=")[0]) in _flags_of(command):
        command.error(f"write {flag} after the command: mailtrip {options.command} {flag}")
    if left or _is_misplaced(options):
        command.error(_left_over(options, left, _flags_of(command)))
    if options.command == "probe" and (mistake := _mistake_of_a_route(options)):
        command.error(mistake)
    if (
        options.command == "probe"
        and not (named := f"{options.name}{options.module or ''}").isprintable()
    ):
        odd = odd_in(named)
        must = (
            f"contains {odd}: type it again" if odd else "must be UTF-8, without control characters"
        )
        command.error(f"a NAME or TARGET {must}")
    if options.command == "probe":
        if options.json and options.format == "nagios":
            command.error("--json and --format nagios exclude each other")
        options.json = options.json or options.format == "json"
    _take_default(options)
    return options


def _is_misplaced(options: argparse.Namespace) -> bool:
    """Whether a file or a URL is where a name or a recipient has to be."""
    if options.command not in ("probe", "init") or options.send:
        return False
    name = options.name or ""
    return not getattr(options, "config_files", []) and (_is_a_file(name) or "://" in name)


def _take_default(options: argparse.Namespace) -> None:
    """Without a configuration on the command line, takes the file of the working directory, if
    there is one: also one that cannot be read, which is an error."""
    if getattr(options, "config_files", None) != [] or getattr(options, "send", None):
        return
    checked = options.command == "check" and (options.files or options.web_config_file)
    if not checked and os.path.lexists(DEFAULT_CONFIG):
        options.config_files = [DEFAULT_CONFIG]


def _mistake_of_a_route(options: argparse.Namespace) -> str:
    """What is wrong with the flags that stand for a configuration; empty if nothing is."""
    given = [flag for flag in ("send", "mailbox") if getattr(options, flag)]
    if not given:
        beside = {
            "--from": options.sender,
            "--nameserver": options.nameservers,
            "--timeout": options.timeout is not None,
        }
        flag = next((flag for flag, value in beside.items() if value), "")
        return f"{flag} needs --send and --mailbox" if flag else ""
    if given == ["send"]:
        return "--send needs --mailbox, where the message arrives, such as imaps://USER@HOST"
    if given == ["mailbox"]:
        return "--mailbox needs --send, how the message is sent, such as smtp://USER@HOST:587"
    if options.module or options.config_files:
        flag = "--module" if options.module else "--config.file"
        return f"--send and --mailbox need no configuration: use them or {flag}"
    return ""


def _flags_of(command: argparse.ArgumentParser) -> list[str]:
    return re.findall("--[a-z][a-z.-]+", command.format_usage())


def _meant(word: str, flags: Sequence[str]) -> str:
    """The flag that was most likely meant: the same name in another spelling, a similar or a longer
    name."""
    named = {re.sub("[-_.]+", ".", flag.strip("-")): flag for flag in flags}
    asked = re.sub("[-_.]+", ".", word.partition("=")[0].strip("-")).lower()
    close = get_close_matches(asked, named, 1) or [
        name for name in named if len(asked) > 3 and asked in name
    ]
    return named[close[0]] if close else ""


def _left_over(options: argparse.Namespace, left: Sequence[str], flags: Sequence[str]) -> str:
    if "--send" in flags and (told := _beside_urls(options, left)):
        return told
    words = [*left, getattr(options, "name", "") or ""]
    file = next((word for word in words if not word.startswith("-") and _is_a_file(word)), "")
    if options.command not in ("serve", "probe", "init") or not file:
        meant = _meant(left[0], flags) if left and left[0].startswith("-") else ""
        return f"unknown arguments: {' '.join(left)}" + (
            f"; did you mean {meant}?" if meant else ""
        )
    name = next(
        (f" {word}" for word in words if word and word != file and not word.startswith("-")),
        " NAME",
    )
    command = (
        f"mailtrip {options.command} --config.file"
        f" {file}{name if options.command == 'probe' else ''}"
    )
    return f"{file} is not expected here; use --config.file FILE for the configuration: {command}"


def _beside_urls(options: argparse.Namespace, left: Sequence[str]) -> str:
    """What to write instead of words that do not go with `--send` and `--mailbox`; empty if they
    are not about them."""
    words = [*left, options.name or ""]
    if any(re.match(r"-p$|--?[\w.-]*(pass|pw)", word) for word in left) or any(
        map(has_password, words)
    ):
        return (
            "passwords are not possible here, since other users can see a command line: mailtrip"
            f" asks for them, or reads them from {SEND_PASSWORD} and {MAILBOX_PASSWORD}"
        )
    if any("://" in word for word in words):
        return f"write mailtrip {options.command} --send URL --mailbox URL TARGET"
    if options.command == "init" and re.match("-o$|--?out", left[0] if left else ""):
        return f"unknown flag {left[0].partition('=')[0]}: --config.file FILE is the file to write"
    return ""


def _is_a_file(word: str) -> bool:
    return "@" not in word and (
        word.endswith((".yml", ".yaml")) or (os.sep in word and os.path.exists(word))
    )


def _listener(text: str) -> Any:
    from exporter.web.listeners import parse_listener

    try:
        return parse_listener(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _time_zone(text: str) -> str:
    from exporter.config.time_zones import time_zone

    try:
        return text if text == "UTC" else time_zone(_given(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def _given(text: str) -> str:
    """Rejects an empty path, as from an unset variable: it would mean the current directory."""
    if not text:
        raise argparse.ArgumentTypeError("the value is empty; is a variable not set?")
    return text


def _address(text: str) -> str:
    """Rejects a password, which other users could see on the command line."""
    if re.match("[^/]*//[^/]*:[^/]*@", text):
        raise argparse.ArgumentTypeError(
            "other users can see a password on the command line: set the address in the variable"
            f" {URL_VARIABLE} instead"
        )
    return _given(text)


def _user(text: str) -> str:
    """Rejects a password behind the name, where no name has a colon (RFC 7617)."""
    if ":" in text:
        raise argparse.ArgumentTypeError(_VISIBLE)
    return _given(text)


def _server(variable: str, text: str) -> str:
    """Rejects a password, which other users could see on the command line. `variable` may have
    it."""
    if has_password(text):
        raise argparse.ArgumentTypeError(
            "other users can see a password on the command line: write only USER@; mailtrip asks"
            f" for the password, or reads it from the variable {variable}"
        )
    return _given(text)


def _path(text: str) -> Path:
    return Path(_given(text))


def _seconds(text: str) -> float:
    """A duration as in the configuration, or a number of seconds."""
    from exporter.core.timing.durations import seconds_of

    try:
        return seconds_of(f"{text}s" if text.isdecimal() else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def _output_size(text: str) -> int:
    _, least, most = NAGIOS_OUTPUT
    if not least <= (size := _count(text)) <= most:
        raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
    return size


def _count(text: str) -> int:
    if not re.fullmatch("0*[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(f"not a positive whole number: {text!r}")
    return int(text)


def _parser() -> tuple[_Parser, dict[str, _Parser]]:
    """The parser, and the commands' parsers by name."""
    parser = _Parser(
        prog="mailtrip",
        description="E-mail round-trip exporter for Prometheus.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mailtrip {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Parser
    )
    configuration = _Parser(add_help=False)
    help_files = (
        f"a file or a directory; several files form one configuration; default: {DEFAULT_CONFIG}"
        " in the working directory; if that is missing, `serve` and `probe` send messages to"
        " themselves"
    )
    configuration.add_argument(
        "--config.file",
        dest="config_files",
        metavar="FILE",
        type=_given,
        action="append",
        default=[],
        help=help_files,
    )

    serving = commands.add_parser(
        "serve", parents=[configuration], help="make trips and serve metrics"
    )
    _add_serve_flags(serving)

    checking = commands.add_parser("check", help="report all errors in configuration files")
    checking.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        type=_given,
        help="a file or a directory; each is a separate configuration",
    )
    help_together = (
        "one of several files that form one configuration; without any FILE the default is"
        f" {DEFAULT_CONFIG}"
    )
    checking.add_argument(
        "--config.file",
        dest="config_files",
        metavar="FILE",
        type=_given,
        action="append",
        default=[],
        help=help_together,
    )
    checking.add_argument(
        "--web.config.file",
        dest="web_config_file",
        metavar="FILE",
        type=_given,
        help="also check a web configuration",
    )
    help_try = (
        "also resolve, connect and log in as a trip would; send nothing; exit 1 if something fails"
    )
    help_syntax = (
        "for another machine: do not check the files and environment variables that the"
        " configuration names"
    )
    checking.add_argument("--syntax-only", action="store_true", help=help_syntax)
    checking.add_argument("--try", dest="attempt", action="store_true", help=help_try)

    _add_init_flags(commands.add_parser("init", help="ask for servers, and write a configuration"))

    probing = commands.add_parser(
        "probe", parents=[configuration], help="make one trip now and show it"
    )
    probing.add_argument(
        "name",
        metavar="NAME|TARGET",
        help="a name from probes:, a target with --module, or a recipient with --send",
    )
    probing.add_argument(
        "--module",
        metavar="MODULE",
        type=_given,
        help="a name from modules:, for TARGET",
    )
    _add_route_flags(probing)
    _add_nameserver_flag(probing, "with --send: the resolver to use, instead of those in")
    help_timeout = "with --send: the time limit for the trip; default 10m"
    probing.add_argument("--timeout", metavar="DURATION", type=_seconds, help=help_timeout)
    help_json = "the same as --format json: the outcome as one JSON document; see docs/cli.md"
    probing.add_argument("--json", action="store_true", help=help_json)
    _add_format(probing)
    help_transcript = (
        "print the whole transcript of the sessions; without it, a failure prints the newest lines"
    )
    probing.add_argument("--transcript", action="store_true", help=help_transcript)

    _add_lookup_flags(
        commands.add_parser("lookup", help="look up addresses and domains on blocklists")
    )

    _add_status_flags(
        commands.add_parser(
            "status", help="show the state of the probes of a running mailtrip; send nothing"
        )
    )
    _add_maintenance_flags(
        commands.add_parser(
            "maintenance", help="start, stop or list planned maintenance of a running mailtrip"
        )
    )

    reporting = commands.add_parser(
        "report", parents=[configuration], help="availability, outages and delays of a month"
    )
    help_month = "in UTC; default: the current month"
    reporting.add_argument("--month", metavar="YYYY-MM", type=_given, help=help_month)
    reporting.add_argument(
        "--format", choices=REPORT_FORMATS, default=REPORT_FORMATS[0], help="default %(default)s"
    )
    _add_state_dir(reporting)

    _add_dkim_key_flags(
        commands.add_parser("dkim-key", help="make a key that signs messages, and its DNS record")
    )
    commands.add_parser("schema", help="print the JSON Schema of the configuration")
    return parser, commands.choices


def _add_init_flags(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    help_name = "the recipient of the messages"
    add("name", nargs="?", metavar="TARGET", type=_given, help=help_name)
    _add_route_flags(command)
    help_file = "the file to write; default: %(default)s; passwords go into files in its directory"
    add(
        "--config.file",
        dest="config_file",
        metavar="FILE",
        type=_path,
        default=DEFAULT_CONFIG,
        help=help_file,
    )
    add("--force", action="store_true", help="replace files that exist")
    help_try = "do not connect to the servers"
    add("--no-try", dest="tries", action="store_false", help=help_try)


def _add_route_flags(command: argparse.ArgumentParser) -> None:
    """A way of messages."""
    add = command.add_argument
    help_send = (
        "how messages are sent: smtp://USER@HOST, smtps://, mx:, lmtp://,"
        f" sendmail: or jmap://; the password comes from the terminal or ${SEND_PASSWORD}"
    )
    add("--send", metavar="URL", type=partial(_server, SEND_PASSWORD), help=help_send)
    help_mailbox = (
        "where they arrive: imaps://USER@HOST, imap://, pop3s://, pop3://, jmap:// or"
        f" maildir:///PATH; the password comes from the terminal or ${MAILBOX_PASSWORD}"
    )
    add("--mailbox", metavar="URL", type=partial(_server, MAILBOX_PASSWORD), help=help_mailbox)
    help_from = "the sender; default: the user of --send, or the recipient"
    add("--from", dest="sender", metavar="ADDRESS", type=_given, help=help_from)


def _add_lookup_flags(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    help_what = "for a host or domain, also look up its addresses and those of its exchangers"
    add("names", nargs="+", metavar="ADDRESS|DOMAIN|HOST", type=_given, help=help_what)
    help_list = "only on this list; may be repeated; default: the free lists of the catalogue"
    add("--list", dest="lists", metavar="ZONE", type=_given, action="append", help=help_list)
    _add_nameserver_flag(command, "the resolver to use, instead of those in")
    help_files = "use the lists and the resolver of this configuration, such as lists with a key"
    add(
        "--config.file",
        dest="config_files",
        metavar="FILE",
        type=_given,
        action="append",
        help=help_files,
    )
    add("--json", action="store_true", help="print one JSON document; see docs/cli.md")


def _add_nameserver_flag(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument(
        "--nameserver",
        dest="nameservers",
        metavar="HOST[:PORT]",
        type=_given,
        action="append",
        default=[],
        help=f"{what} /etc/resolv.conf; may be repeated",
    )


def _add_status_flags(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    help_name = "a probe, or the target of another pair; a pattern; default: all probes"
    add("name", nargs="?", metavar="NAME", type=_given, help=help_name)
    help_module = "only probes of this module: NAME is then their target"
    add("--module", metavar="MODULE", type=_given, help=help_module)
    _add_format(command)
    help_output = (
        "nagios: how much of the output the monitoring system reads; default %(default)s, for"
        " Nagios; Icinga 2 reads all"
    )
    add(
        "--max-output",
        dest="max_output",
        metavar="BYTES",
        type=_output_size,
        default=NAGIOS_OUTPUT[0],
        help=help_output,
    )
    _add_server_flags(command, limit=10)


def _add_format(command: argparse.ArgumentParser) -> None:
    """The formats about probes, with the thresholds of that for Nagios."""
    add = command.add_argument
    add(
        "--format",
        choices=STATUS_FORMATS,
        default=STATUS_FORMATS[0],
        help="nagios: the output and exit code of a plugin; default %(default)s",
    )
    help_warning = "a message that takes longer is a warning; default 5m"
    add("--warning", metavar="DURATION", type=_seconds, default=SLOW, help=help_warning)
    help_critical = "a message that takes longer is critical; default: none is"
    add("--critical", metavar="DURATION", type=_seconds, help=help_critical)


def _add_maintenance_flags(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("action", choices=MAINTENANCE_ACTIONS, help="start, stop or list windows")
    help_name = "name of the window; if it was started before, it is changed"
    add("name", nargs="?", metavar="NAME", type=_given, help=help_name)
    help_probes = "start: names of probes, or targets of other pairs; a pattern; may be repeated"
    add("--probes", metavar="PATTERN", type=_given, action="append", default=[], help=help_probes)
    help_for = "start: how long it lasts, such as 2h"
    add("--for", dest="duration", metavar="DURATION", type=_given, help=help_for)
    help_start = "start: when it begins, such as 2026-12-24T22:00:00+01:00; default: now"
    add("--start", metavar="TIME", type=_given, help=help_start)
    add("--end", metavar="TIME", type=_given, help="start: when it ends, instead of --for")
    _add_server_flags(command, limit=30)


def _add_server_flags(command: argparse.ArgumentParser, limit: int) -> None:
    """How to talk to a running mailtrip, within so many seconds."""
    add = command.add_argument
    help_url = (
        f"the address of mailtrip, or unix:PATH; default: ${URL_VARIABLE}, which may have"
        f" USER:PASSWORD@, or {DEFAULT_URL}, or the socket of mailtrip on this machine"
    )
    add("--url", metavar="URL", type=_address, help=help_url)
    help_user = "the name for a login, with --password.file"
    add("--user", metavar="NAME", type=_user, help=help_user)
    help_file = "a file whose first line is the password for the login"
    add("--password.file", dest="password_file", metavar="FILE", type=_given, help=help_file)
    help_ca = "https: the CA of mailtrip's certificate; default: those of the system"
    add("--ca.file", dest="ca_file", metavar="FILE", type=_given, help=help_ca)
    help_cert = "https: our certificate, if mailtrip requires one, perhaps with its key"
    add("--cert.file", dest="cert_file", metavar="FILE", type=_given, help=help_cert)
    help_key = "https: the key of our certificate"
    add("--key.file", dest="key_file", metavar="FILE", type=_given, help=help_key)
    help_limit = "how long mailtrip may take to answer; default %(default)ss"
    add(
        "--timeout", dest="limit", metavar="DURATION", type=_seconds, default=limit, help=help_limit
    )


def _add_dkim_key_flags(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("domain", metavar="DOMAIN", type=_given, help="the domain that signs: that of `from`")
    add("selector", metavar="SELECTOR", type=_given, help="the name of the key, such as mailtrip")
    help_file = "the file of the private key; if it exists, only its DNS record is printed"
    add("--key.file", dest="key_file", metavar="FILE", type=_path, required=True, help=help_file)
    help_kind = "default %(default)s; many receivers cannot check ed25519"
    add("--key.type", dest="kind", choices=DKIM_KINDS, default=DKIM_KINDS[0], help=help_kind)
    help_bits = "the length of an RSA key; default %(default)s"
    add(
        "--key.bits", dest="bits", type=int, choices=DKIM_BITS, default=DKIM_BITS[0], help=help_bits
    )


def _add_state_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--state.dir",
        dest="state_dir",
        metavar="DIR",
        type=_path,
        help="overrides state.dir of the configuration",
    )


def _add_serve_flags(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    help_listen = f"the address for HTTP, or unix:PATH; may be repeated; default {DEFAULT_LISTEN}"
    add(
        "--web.listen-address",
        dest="web_listen_address",
        metavar="HOST:PORT",
        type=_listener,
        action="append",
        help=help_listen,
    )
    help_socket = "use the sockets of a systemd .socket unit for HTTP"
    add("--web.systemd-socket", dest="web_systemd_socket", action="store_true", help=help_socket)
    help_url = "the URL of mailtrip for users and Prometheus, if it is behind a proxy"
    add("--web.external-url", dest="web_external_url", metavar="URL", help=help_url)
    help_prefix = "the prefix of all paths; default: the path of --web.external-url"
    add("--web.route-prefix", dest="web_route_prefix", metavar="PATH", help=help_prefix)
    help_grafana = "the URL of Grafana: the page of a probe then has a link to its dashboard"
    add("--web.grafana-url", dest="web_grafana_url", metavar="URL", help=help_grafana)
    help_documentation = "the URL of your copy of this documentation, for the links of the pages"
    add(
        "--web.documentation-url",
        dest="web_documentation_url",
        metavar="URL",
        help=help_documentation,
    )
    help_zone = "the time zone of the pages, such as Europe/Berlin; default %(default)s"
    add(
        "--web.time-zone",
        dest="web_time_zone",
        metavar="ZONE",
        type=_time_zone,
        default="UTC",
        help=help_zone,
    )
    help_host = (
        "also accept requests to this host name; *.NAME for all names below it, * for all"
        " names; may be repeated"
    )
    add(
        "--web.allowed-host",
        dest="web_allowed_hosts",
        metavar="NAME",
        action="append",
        default=[],
        help=help_host,
    )
    help_admin = (
        "also accept requests to /api/v1, and forms on the pages, that change something, send a"
        " message, or look something up on blocklists"
    )
    add("--web.enable-admin-api", dest="web_admin_api", action="store_true", help=help_admin)
    help_reload = (
        "reload when the files of the configuration change; otherwise on SIGHUP or POST /-/reload"
    )
    add("--config.enable-auto-reload", dest="auto_reload", action="store_true", help=help_reload)
    help_web = (
        "TLS, logins and limits, in the format of the Prometheus exporter-toolkit; see docs/web.md"
    )
    add("--web.config.file", dest="web_config_file", metavar="FILE", type=_given, help=help_web)
    help_targets = "the maximum number of probes; default %(default)s"
    add(
        "--web.max-targets",
        dest="web_max_targets",
        metavar="N",
        type=_count,
        default=MAX_TARGETS,
        help=help_targets,
    )
    _add_state_dir(command)
    add(
        "--log.level",
        dest="log_level",
        default="INFO",
        type=str.upper,
        choices=LOG_LEVELS,
        help="default %(default)s",
    )
    help_format = "json: one object per line, with the ID of the trip; default %(default)s"
    add(
        "--log.format",
        dest="log_format",
        default=LOG_FORMATS[0],
        choices=LOG_FORMATS,
        help=help_format,
    )
