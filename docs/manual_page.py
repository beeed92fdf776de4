"""The man page, mailtrip(1)."""

import argparse
import re

from docs.command_parser import MADE, command_line, flags, helps, meaning, value, words
from exporter import __version__

DESCRIPTION = """\
mailtrip sends a signed test message through the real mail path, finds it in the real mailbox,
checks and deletes it. It reports to Prometheus whether the message came back, how long each part
took and, if the message did not come back, which part failed and why."""

ENDING = r"""
.SH EXIT STATUS
.TP
.B 0
Success. For
.BR serve ,
stopped by SIGTERM or SIGINT; for
.BR check ,
possibly with warnings.
.TP
.B 1
The trip of
.B probe
failed, or an attempt of
.B "check \-\-try"
or
.BR init ;
.B lookup
found a listing.
.TP
.B 2
An error in the command line or the configuration, or something on this machine that is missing or
in use.
.TP
.B 3
.B lookup
got no answer from any list.
.TP
.BR 130 ", " 141 ", " 143
Stopped by SIGINT, by a closed pipe, by SIGTERM.
.SH SIGNALS
.B mailtrip serve
reloads its configuration on SIGHUP, and stops within 5 seconds of SIGTERM or SIGINT. A trip in
progress continues after the next start.
.SH ENVIRONMENT
.TP
.BR MAILTRIP_SEND_PASSWORD ", " MAILTRIP_MAILBOX_PASSWORD
The passwords for
.B \-\-send
and
.BR \-\-mailbox .
Without them mailtrip asks in the terminal.
.TP
.B STATE_DIRECTORY
The state directory, unless the configuration or
.B \-\-state.dir
names one. systemd sets it.
.TP
.BR NO_COLOR ", " TERM
No colours and no progress line if
.B NO_COLOR
is set or
.B TERM
is
.BR dumb .
.SH EXAMPLES
Write the first configuration:
.PP
.in +4n
.EX
mailtrip init
.EE
.in
.PP
Make one trip without a configuration:
.PP
.in +4n
.EX
mailtrip probe \-\-send smtp://user@relay.example.org \-\-mailbox imaps://user@imap.example.org user@example.org
.EE
.in
.PP
Report all errors in a configuration, and log in to every server:
.PP
.in +4n
.EX
mailtrip check \-\-try /etc/mailtrip/mailtrip.yml
.EE
.in
.PP
Make one trip, and show the transcript of the sessions:
.PP
.in +4n
.EX
mailtrip probe \-\-config.file /etc/mailtrip/mailtrip.yml \-\-transcript submission
.EE
.in
.PP
Run the exporter:
.PP
.in +4n
.EX
mailtrip serve \-\-config.file /etc/mailtrip/mailtrip.yml
.EE
.in
.SH SEE ALSO
.BR prometheus (1),
.BR promtool (1)
"""  # noqa: E501


def roff(text: str) -> str:
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"(?m)^(?=[.'])", r"\\&", text)


def man_page() -> str:
    parser, commands = command_line()
    does = helps(parser)
    lines = [
        f'.\\" {MADE}',
        f'.TH MAILTRIP 1 "" "mailtrip {roff(__version__)}" "User Commands"',
        ".SH NAME",
        r"mailtrip \- e\-mail round\-trip exporter for Prometheus",
        ".SH SYNOPSIS",
        ".nh",
        ".ad l",
    ]
    for name, command in commands.items():
        lines += [f".B mailtrip {name}"]
        lines += [_synopsis(action) for action in (*flags(command), *words(command))]
        lines += [".br"]
    lines += [".B mailtrip", r"\fB\-\-version\fR", ".ad b", ".hy"]
    lines += [".SH DESCRIPTION", roff(DESCRIPTION), ".SH COMMANDS"]
    for name, command in commands.items():
        lines += [f".SS {name}", f"{roff(does[name][0].upper() + does[name][1:])}."]
        for action in (*words(command), *flags(command)):
            lines += [".TP", _tag(action), roff(meaning(action)).replace("...", r"\&...")]
    return "\n".join(lines) + ENDING


def _synopsis(action: argparse.Action) -> str:
    if not action.option_strings:
        shown = rf"\fI{roff(value(action))}\fR"
        several = {"?": f"[{shown}]", "*": f"[{shown} ...]", "+": f"{shown} ..."}
        return several.get(str(action.nargs), shown)
    if "--help" in action.option_strings:
        return r"[\fB\-h\fR]"
    shown = rf"\fB{roff(action.option_strings[-1])}\fR"
    return f"[{shown}{_after(action)}]"


def _after(action: argparse.Action) -> str:
    return rf"\ \fI{roff(value(action))}\fR" if value(action) else ""


def _tag(action: argparse.Action) -> str:
    if not action.option_strings:
        return rf"\fI{roff(value(action))}\fR"
    return ", ".join(rf"\fB{roff(name)}\fR" for name in action.option_strings) + _after(action)
