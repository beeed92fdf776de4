"""Writes what belongs beside the program: the man page, and completions for bash, zsh and fish.

All of them come from the command line itself. Run it in the project's directory:
python -m docs.commandline
"""

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from exporter import __version__
from exporter.commands import flags as flags_of_mailtrip

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python -m docs.commandline"
SHARE = ROOT / "share"
"""As below the prefix of an installation: the wheel puts it there."""

MADE = f'Made from exporter/commands/flags.py by "{COMMAND}". Change that, not this file.'

DESCRIPTION = """\
mailtrip sends a signed test message through the real mail path, finds it in the real mailbox, checks and deletes it.
It reports to Prometheus whether the message came back, how long each part took and, if the message did not come back, which
part failed and why."""

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
.BR "check \-\-try" .
.TP
.B 2
An error in the command line or the configuration, or something on this machine that is missing or in use.
.TP
.BR 130 ", " 141 ", " 143
Stopped by SIGINT, by a closed pipe, by SIGTERM.
.SH SIGNALS
.B mailtrip serve
reloads its configuration on SIGHUP, and stops within 5 seconds of SIGTERM or SIGINT. A trip in progress continues after the next
start.
.SH ENVIRONMENT
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
"""


def command_line() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The parser, and those of the commands by their names."""
    return flags_of_mailtrip._parser()


def texts() -> dict[str, str]:
    """The content of every file, by its place below share/."""
    return {
        "man/man1/mailtrip.1": man_page(),
        "bash-completion/completions/mailtrip": bash(),
        "zsh/site-functions/_mailtrip": zsh(),
        "fish/vendor_completions.d/mailtrip.fish": fish(),
    }


# -------------------------------------------------------------------- what there is


def flags(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    yield from (action for action in parser._actions if action.option_strings)


def words(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments without a dash."""
    yield from (
        action
        for action in parser._actions
        if not action.option_strings and action.dest != "command"
    )


def meaning(action: argparse.Action) -> str:
    return (action.help or "") % {"default": action.default, "prog": "mailtrip"}


def helps(parser: argparse.ArgumentParser) -> dict[str, str]:
    """What each command does."""
    (subparsers,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return {action.dest: action.help or "" for action in subparsers._choices_actions}


def value(action: argparse.Action) -> str:
    """What follows a flag, or what a word is."""
    if action.nargs == 0:
        return ""
    if action.choices:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


# -------------------------------------------------------------------- man page


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
        return rf"[{shown} ...]" if action.nargs == "*" else shown
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


# -------------------------------------------------------------------- completions


def _kind(action: argparse.Action) -> str:
    """What a shell completes: words, files, directories, or nothing that it can know."""
    if action.choices:
        return "words"
    return {"FILE": "files", "DIR": "directories"}.get(str(action.metavar), "nothing")


def bash() -> str:
    parser, commands = command_line()
    every = [*commands.values(), parser]
    valued = {
        name: action
        for command in every
        for action in flags(command)
        for name in action.option_strings
        if action.nargs != 0
    }
    by_kind: dict[str, list[str]] = {}
    for name, action in valued.items():
        kind = _kind(action)
        reply = {
            "words": f"COMPREPLY=($(compgen -W '{' '.join(map(str, action.choices or ()))}' --"
            ' "$cur"))',
            "files": 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))',
            "directories": 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur"))',
            "nothing": "COMPREPLY=()",
        }[kind]
        by_kind.setdefault(reply, []).append(name)
    lines = [f"# {MADE}", "_mailtrip() {", "    local IFS=$' \\t\\n'"]
    lines += [
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}"
        ' command="" word',
        "    # bash takes --flag=value apart at the =",
        '    if [[ $cur == "=" ]]; then',
        '        cur=""',
        '    elif [[ $prev == "=" ]]; then',
        "        prev=${COMP_WORDS[COMP_CWORD - 2]}",
        "    fi",
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '        case "$word" in',
        f"            {'|'.join(commands)})",
        "                command=$word",
        "                break",
        "                ;;",
        "        esac",
        "    done",
        "    IFS=$'\\n'",
        '    case "$prev" in',
    ]
    for reply, names in by_kind.items():
        lines += [
            f"        {'|'.join(names)})",
            f"            {_split(reply)}",
            "            return",
            "            ;;",
        ]
    lines += ["    esac", '    case "$command" in']
    for name, command in commands.items():
        options = "\\n".join(_names(command))
        lines += [f"        {name})", f"            _mailtrip_words $'{options}'"]
        if any(_kind(action) == "files" for action in words(command)):
            lines += [
                "            [[ $cur == -* ]] || { compopt -o filenames; COMPREPLY=($(compgen"
                ' -f -- "$cur")); }'
            ]
        lines += ["            ;;"]
    first = "\\n".join([*commands, *_names(parser)])
    lines += [
        "        *)",
        f"            _mailtrip_words $'{first}'",
        "            ;;",
        "    esac",
        "}",
    ]
    lines += [
        "",
        "_mailtrip_words() {",
        '    COMPREPLY=($(compgen -W "$1" -- "$cur"))',
        "}",
        "",
        "complete -F _mailtrip mailtrip",
    ]
    return "\n".join(lines) + "\n"


def _split(reply: str) -> str:
    """Words are parted at lines, since IFS is a line end there: a file's name may hold blanks."""
    return re.sub(r"-W '([^']*)'", lambda m: "-W $'" + m[1].replace(" ", "\\n") + "'", reply)


def _names(parser: argparse.ArgumentParser) -> list[str]:
    return [name for action in flags(parser) for name in action.option_strings]


def _quoted(text: str) -> str:
    """For single quotes."""
    return text.replace("'", "'\\''")


def zsh() -> str:
    parser, commands = command_line()
    does = helps(parser)
    lines = ["#compdef mailtrip", f"# {MADE}", "", "_mailtrip() {"]
    lines += ["    local context state state_descr line", "    typeset -A opt_args"]
    lines += ["    _arguments -C \\"]
    lines += [f"        {_zsh(action)} \\" for action in flags(parser)]
    lines += ["        '1:command:->command' '*::argument:->argument'", '    case "$state" in']
    lines += ["        command)", "            local -a commands=("]
    lines += [f"                '{name}:{_quoted(text)}'" for name, text in does.items()]
    lines += ["            )", "            _describe command commands", "            ;;"]
    lines += ["        argument)", '            case "$line[1]" in']
    for name, command in commands.items():
        arguments = [_zsh(action) for action in (*flags(command), *words(command))]
        lines += [f"                {name})", "                    _arguments \\"]
        lines += [f"                        {one} \\" for one in arguments[:-1]]
        lines += [f"                        {arguments[-1]}", "                    ;;"]
    lines += ["            esac", "            ;;", "    esac", "}", ""]
    lines += ['_mailtrip "$@"']
    return "\n".join(lines) + "\n"


def _zsh(action: argparse.Action) -> str:
    text = re.sub(r"([\[\]:\\])", r"\\\1", meaning(action))
    completes = {
        "words": f"({' '.join(map(str, action.choices or ()))})",
        "files": "_files",
        "directories": "_files -/",
        "nothing": " ",
    }[_kind(action)]
    what = re.sub(r"([\[\]:\\])", r"\\\1", str(action.metavar or action.dest))
    if not action.option_strings:
        return f"'{'*' if action.nargs == '*' else ''}:{what}:{completes}'"
    argument = f":{what}:{completes}" if action.nargs != 0 else ""
    repeated = "*" if isinstance(action, argparse._AppendAction) else ""
    equals = "=" if action.nargs != 0 else ""
    names = [f"{name}{equals if name.startswith('--') else ''}" for name in action.option_strings]
    given = f"'{repeated}'" if repeated else ""
    if len(names) > 1:
        return f"'({' '.join(action.option_strings)})'{{{','.join(names)}}}'[{_quoted(text)}]{argument}'"
    return f"{given}'{names[0]}[{_quoted(text)}]{argument}'"


def fish() -> str:
    parser, commands = command_line()
    does = helps(parser)
    lines = [f"# {MADE}", "complete -c mailtrip -f"]
    lines += [
        f"complete -c mailtrip -n __fish_use_subcommand -a {name} -d '{_fish(text)}'"
        for name, text in does.items()
    ]
    lines += [_of_fish(action, "__fish_use_subcommand") for action in flags(parser)]
    for name, command in commands.items():
        seen = f"'__fish_seen_subcommand_from {name}'"
        lines += [_of_fish(action, seen) for action in flags(command)]
        lines += [
            f"complete -c mailtrip -n {seen} -F"
            for action in words(command)
            if _kind(action) == "files"
        ]
    return "\n".join(lines) + "\n"


def _of_fish(action: argparse.Action, when: str) -> str:
    names = " ".join(
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
        for name in action.option_strings
    )
    takes = ""
    if action.nargs != 0:
        takes = {
            "words": f" -x -a '{' '.join(map(str, action.choices or ()))}'",
            "files": " -r -F",
            "directories": " -x -a '(__fish_complete_directories)'",
            "nothing": " -x",
        }[_kind(action)]
    return f"complete -c mailtrip -n {when} {names}{takes} -d '{_fish(meaning(action))}'"


def _fish(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


if __name__ == "__main__":
    for name, text in texts().items():
        file = SHARE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
