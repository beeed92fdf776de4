"""Loads a file: returns options, or all its errors."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.config.confusables import ends_oddly, lookalike_in, mark_in
from exporter.config.expansion import Expansion
from exporter.config.mistakes import Mistake, Mistakes, Path, ordered, suggestion, written
from exporter.config.parts import MergedFiles
from exporter.config.schema import json_schema, keys_at
from exporter.config.types import Options
from exporter.config.yaml import MAX_BYTES, Blank, Node, parse

Root = TypeVar("Root", bound=Options)

MOST_MISTAKES = 1000
"""That are looked at, in the options of a configuration: a file of another program may have as many
as lines."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[Root]):
    """Options, and the position of each in its file."""

    options: Root
    _whole: MergedFiles
    _expansion: Expansion

    def node(self, path: Path) -> Node:
        """The value at a path, as written."""
        return self._whole.tree.find(self._expansion.written_at(path))

    def mistakes_at(self, found: Iterable[tuple[Path, str, bool]]) -> tuple[Mistake, ...]:
        """The findings at these paths as Mistakes, each once, in the order of the files; True marks
        a warning."""
        return ordered(
            _at(self._whole, self._expansion.written_at(path), text, warning=warning)
            for path, text, warning in found
        )


def read(path: str) -> bytes:
    """Reads a file, within the limits of a configuration. Raises Mistakes."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else str(error)
        raise Mistakes([Mistake(path, None, "", f"cannot be read: {problem}")]) from None


Beyond = Callable[[Any], Iterable[tuple[Path, str]]]
Expand = Callable[[Any], Expansion]


def load(
    root: type[Root],
    texts: Sequence[tuple[str, bytes]],
    beyond: Beyond,
    expand: Expand = Expansion,
) -> Root:
    """Loads only the options."""
    return reading(root, texts, beyond, expand).options


def reading(
    root: type[Root],
    texts: Sequence[tuple[str, bytes]],
    beyond: Beyond,
    expand: Expand = Expansion,
) -> Reading[Root]:
    """Loads the options from one or several files that form one configuration: each with its name
    and text.

    Raises Mistakes with every error at once. `expand` writes short notations out before anything is
    read. `beyond` finds errors between mappings, such as references, in data that may have other
    errors.
    """
    parts: list[tuple[str, Node]] = []
    mistakes: list[Mistake] = []
    for file, raw in texts:
        tree, found = parse(raw, file)
        parts.append((file, tree))
        mistakes += found
    whole = MergedFiles.merge(parts)
    mistakes += whole.mistakes
    expansion = expand(whole.tree.plain())
    options = None
    found_in: list[tuple[Path, Mistake]] = []
    try:
        options = root.model_validate(expansion.data)
    except ValidationError as error:
        schema = json_schema(root)
        told = {(mistake.file, mistake.place) for mistake in mistakes}
        for detail in error.errors(include_url=False, include_input=False)[:MOST_MISTAKES]:
            mistake = _mistake(detail, whole, schema, expansion)
            # YAML may have told it already.
            if mistake and (mistake.file, mistake.place) not in told:
                found_in.append((detail["loc"], mistake))
    for path, text in beyond(expansion.data):
        found_in.append((path, _at(whole, expansion.written_at(path), text)))
    mistakes += [_at(whole, path, text) for path, text in expansion.mistakes]
    mistakes += _worth_telling(found_in, whole, expansion, alone=not mistakes)
    if options is None or mistakes:
        raise Mistakes(mistakes)
    return Reading(options, whole, expansion)


def _worth_telling(
    found: Iterable[tuple[Path, Mistake]],
    whole: MergedFiles,
    expansion: Expansion,
    *,
    alone: bool,
) -> list[Mistake]:
    """The errors without repetitions of one that an expansion has multiplied, and without those
    that only follow from another; unless they are `alone`."""
    told: dict[object, Mistake] = {}
    following: list[Mistake] = []
    for path, mistake in found:
        written = expansion.written_at(path)
        if expansion.is_unfilled(path, whole.tree.find(written).value):
            following.append(mistake)
        else:
            once = mistake.path if written != path else (mistake, len(told))
            told.setdefault(once, mistake)
    return [*told.values()] or (following if alone else [])


def _at(whole: MergedFiles, path: Path, text: str, *, warning: bool = False) -> Mistake:
    """The position of an option, or of its parent if it is not written."""
    path = _without_list(whole.tree, path)
    return Mistake(whole.file_of(path), whole.tree.place_of(path), written(path), text, warning)


def _without_list(tree: Node, path: Path) -> Path:
    """The path without the places in lists that are not written: one entry may stand without its
    list."""
    found: Path = ()
    for part in path:
        if isinstance(part, str) or not isinstance(tree.find(found).value, dict):
            found = (*found, part)
    return found


def _mistake(
    error: ErrorDetails, whole: MergedFiles, schema: dict[str, Any], expansion: Expansion
) -> Mistake | None:
    """The text for administrators of an error of pydantic; None if YAML has already reported it."""
    expanded, kind, tree = error["loc"], error["type"], whole.tree
    path = _without_list(whole.tree, expansion.written_at(expanded))
    file = whole.file_of(path)
    is_key = path[-1:] == ("[key]",) or kind == "extra_forbidden"
    if path[-1:] == ("[key]",):
        path = path[:-1]
    if kind == "missing":
        return Mistake(file, tree.place_of(path[:-1]), written(path[:-1]), f"{path[-1]} is missing")
    node = tree.find(path)
    if kind == "value_error" and isinstance(node.value, dict) and _is_spoilt_inside(node):
        return None
    if kind == "extra_forbidden":
        text = "unknown key" + suggestion(path[-1], keys_at(schema, path[:-1]))
    elif node.value is Blank.SPOILT:
        return None
    elif node.value is Blank.EMPTY and not is_key:
        text = (
            "is empty: add a value, or remove the key"
            if path
            else "this file contains no configuration"
        )
    else:
        text = _in_words(error, node.value) + _beside(path, node.value, schema)
        text += expansion.remark(expanded, node.value)
    return Mistake(file, tree.place_of(path, key=is_key), written(path), text)


def _beside(path: Path, value: object, schema: dict[str, Any]) -> str:
    """The cure if a mapping is given that has options of the mapping around it."""
    if not path or not value or not isinstance(value, dict):
        return ""
    if not value.keys() <= {*keys_at(schema, path[:-1])}:
        return ""
    return f"; write {', '.join(value)} beside {path[-1]}, not in it"


def _is_spoilt_inside(node: Node) -> bool:
    return any(inner.value is Blank.SPOILT for _, _, inner in node.entries())


def _in_words(error: ErrorDetails, value: object) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            text, ends = str(context["error"]), ends_oddly(value) if isinstance(value, str) else ""
            told = ends in text or "at its ends" in text or "blanks" in text
            return text if told else f"{text}; {ends}"
        case "literal_error":
            allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            if allowed == ["True"]:
                return "must be true, or be omitted"
            meant = suggestion(value, allowed) if isinstance(value, str) else ""
            return f"must be one of {', '.join(allowed)}" + (
                meant if "did you mean" in meant else ""
            )
        case "string_type":
            if isinstance(value, dict):
                return "must be text, not a mapping" + (
                    ': put "{target}" in quotes' if [*value] == ["target"] else ""
                )
            return (
                "must be text, not a list"
                if isinstance(value, list)
                else "must be text: put it in quotes"
            )
        case "int_type":
            quoted = isinstance(value, str) and value.isdecimal() and value.isascii()
            odd = lookalike_in(value) if isinstance(value, str) else ""
            return (
                "must be a whole number"
                + (", without quotes" if quoted else "")
                + (odd and f"; it contains {odd}")
            )
        case "bool_type":
            return "must be true or false"
        case "list_type":
            return f"must be a list, such as [one, two], not {_kind(value)}"
        case "dict_type" | "model_type":
            mark = mark_in(value) if isinstance(value, str) else ""
            return f"must be a mapping of keys to values, not {_kind(value)}" + (
                mark and f"; it contains {mark}"
            )
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "too_short":
            return f"must have at least {_entries(context['min_length'])}"
        case "too_long":
            return f"must have at most {_entries(context['max_length'])}"
        case "string_too_short":
            return "must not be empty text"
    return error["msg"].replace("Input should be", "must be")


def _kind(value: object) -> str:
    names = {
        dict: "a mapping",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names[type(value)]


def _entries(number: int) -> str:
    return "one entry" if number == 1 else f"{number} entries"
