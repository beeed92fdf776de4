"""Writes docs/configuration.md from the configuration's JSON Schema, which comes from the models
and their docstrings.

Run it in the project's directory: python -m docs.configuration
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporter.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/configuration.md"
EXAMPLE = ROOT / "examples/explained.yml"
COMMAND = "python -m docs.configuration"

INTRODUCTION = f"""\
<!-- Generated from the models and {EXAMPLE.relative_to(ROOT)} by "{COMMAND}".
Change those, not this page. -->

# Configuration

mailtrip reads one YAML file: `mailtrip serve --config.file mailtrip.yml`. It defines the
**mailboxes** that receive messages, the path of a message (**modules**), and the targets
(**probes**). `mailtrip check mailtrip.yml` reports all errors in it, with line, column and fix;
`mailtrip schema` prints its JSON Schema, with which an editor completes keys and marks errors.
Without a file, mailtrip sends messages to itself.

The file is reloaded at SIGHUP, at `POST /-/reload`, and with `--config.enable-auto-reload` a few
seconds after the file, or a symbolic link to it, has changed. If it is invalid, the previous
configuration stays in use: the answer, the log and `mailtrip_config_last_reload_successful` report
it. Trips in progress finish with their old options. A mailbox that was removed closes after its
last trips. Unchanged mailboxes stay connected, and probes keep their intervals. A change of `state`
needs a restart. Secrets in files need no reload: they are read at every use.

A complete configuration with comments:

```yaml
{EXAMPLE.read_text(encoding="utf-8").rstrip()}
```

## How values are written

* **duration**: a number with its unit, `250ms`, `15s`, `1.5m`, `1h`, `7d`, `2w` or `1y`; or
  several, the largest unit first, as in Prometheus: `1h30m`. A number without a unit is an error.
* **size**: bytes, or a number with its unit, `64KiB`, `1MiB`.
* **secret**: `{{file: /run/secrets/imap}}`, `{{env: IMAP_PASSWORD}}`, or the text itself. A file is
  read again at every use, without its last line break and without a byte order mark; an empty file
  is a failure, not an empty password. A secret is never printed, logged or shown.
* Variables are not expanded: text such as `$IMAP_PASSWORD`, `${{IMAP_PASSWORD}}`, `%IMAP_PASSWORD%`
  or `env:IMAP_PASSWORD` is an error, because it would be used as the password. Put a password that
  looks like that into a file. One that contains a space and a `#` needs quotes: in YAML, a comment
  begins there.
* **name**: letters, digits, `-`, `_` and `.`; it becomes a label in Prometheus.
* **pattern**: `*` stands for anything, `?` for one character, `[ab]` for one of these, in upper or
  lower case; or a network, `192.0.2.0/24`.
* Where an option says so, `{{target}}` stands for the target of the probe. Put it in quotes: in
  YAML, a `{{` begins a mapping.
* Relative paths are relative to the working directory of mailtrip.
* The file is YAML 1.2: only `true` and `false` are booleans, `no` is a string. Unknown keys,
  duplicate keys, and keys without a value are errors. Anchors, aliases and merge keys (`<<`) work;
  define an anchor at its first use, because there is no top-level key for shared values.

## The file
"""


class Page:
    """A section for every mapping, in the order of the file, each with a table of its options."""

    def __init__(self, schema: dict[str, Any], introduction: str) -> None:
        self._introduction = introduction
        self._definitions = schema["$defs"]
        self._root = schema
        self._places: dict[str, str] = {}  # of what several options hold, where it stands first

    def text(self) -> str:
        lines = [self._introduction, *self._table(self._root, "")]
        for name, option in self._root["properties"].items():
            lines += self._section(option, name)
        return "\n".join(lines).rstrip() + "\n"

    def _section(self, option: dict[str, Any], path: str) -> Iterator[str]:
        """The mapping that an option holds, and all mappings below it; nothing for any other
        option."""
        own = path
        path, definition = self._mapping(option, path)
        if not definition or not path.startswith(own):
            return
        yield from ["", f"## `{path}`", "", _paragraph(definition["description"]), ""]
        yield from self._table(definition, path)
        for name, below in definition["properties"].items():
            yield from self._section(below, f"{path}.{name}")

    def _mapping(self, option: dict[str, Any], path: str) -> tuple[str, dict[str, Any] | None]:
        if "items" in option:
            return self._mapping(option["items"], f"{path}[]")
        if "patternProperties" in option:
            return self._mapping(next(iter(option["patternProperties"].values())), f"{path}.NAME")
        if "anyOf" in option and "title" not in option:
            found = [self._mapping(one, path) for one in option["anyOf"]]
            return next((one for one in found if one[1]), found[0])
        if reference := option.get("$ref"):
            return self._places.setdefault(reference, path), self._definitions[
                reference.rpartition("/")[2]
            ]
        return path, None

    def _table(self, definition: dict[str, Any], path: str) -> Iterator[str]:
        yield from ["| option | value | default | meaning |", "| --- | --- | --- | --- |"]
        required = set(definition.get("required", ()))
        alternatives = {name for one in definition.get("oneOf", ()) for name in one["required"]}
        for name, option in definition["properties"].items():
            if name in required or alternatives == {name}:
                default = "**required**"
            elif name in alternatives:
                default = "one of these"
            else:
                default = f"`{_written(option['default'])}`" if "default" in option else ""
            kind = self._kind(option, f"{path}.{name}".removeprefix("."))
            row = f"| `{name}` | {kind} | {default} | {_paragraph(option['description'])} |"
            yield row.replace("|  |", "| |")

    def _kind(self, option: dict[str, Any], path: str) -> str:
        if "anyOf" in option and "title" not in option:
            kinds = (self._kind(one, path) for one in option["anyOf"])
            return " or ".join(dict.fromkeys(kinds))
        if "anyOf" in option.get("items", ()):
            return f"list: {self._kind(option['items'], f'{path}[]')}"
        section, definition = self._mapping(option, path)
        if definition:
            what = "mappings" if section != path else "mapping"
            return f"[{what}](#{_anchor(section)})"
        if "title" in option:
            return str(option["title"])
        if "const" in option:
            return f"`{option['const']}`"
        if "enum" in option:
            *others, last = (f"`{value}`" for value in option["enum"])
            return f"{', '.join(others)} or {last}"
        if option["type"] == "object":
            return "mapping of texts"
        if option["type"] == "array":
            return f"list: {self._kind(option['items'], f'{path}[]')}"
        return {"string": "text", "integer": "whole number", "boolean": "`true` or `false`"}[
            option["type"]
        ]


def _anchor(heading: str) -> str:
    """As GitHub names the heading of a section."""
    return "".join(c for c in heading.lower() if c.isalnum() or c in "-_")


def _paragraph(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _written(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def page() -> str:
    """What docs/configuration.md has to say."""
    return Page(Settings.json_schema(), INTRODUCTION).text()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
