"""Completions for bash, zsh and fish."""

import argparse
import re

from docs.command_parser import MADE, command_line, flags, helps, meaning, words


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
        return f"'{'*' if action.nargs in ('*', '+') else ''}:{what}:{completes}'"
    argument = f":{what}:{completes}" if action.nargs != 0 else ""
    repeated = "*" if isinstance(action, argparse._AppendAction) else ""
    equals = "=" if action.nargs != 0 else ""
    names = [f"{name}{equals if name.startswith('--') else ''}" for name in action.option_strings]
    given = f"'{repeated}'" if repeated else ""
    if len(names) > 1:
        excluded = f"'({' '.join(action.option_strings)})'"
        return f"{excluded}{{{','.join(names)}}}'[{_quoted(text)}]{argument}'"
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
