"""A configuration in several files: finds and merges them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from exporter.config.mistakes import Mistake, Mistakes, Place, written
from exporter.config.mistakes import Path as Keys
from exporter.config.renewal import state_of
from exporter.config.yaml import Blank, Node

SUFFIXES = (".yml", ".yaml")


def files_in(paths: Iterable[str]) -> list[str]:
    """The files; for a directory its files that end in .yml or .yaml, sorted by name.

    It ignores hidden files, such as those that Kubernetes keeps with a ConfigMap's. Raises
    Mistakes.
    """
    files: list[str] = []
    for path in paths:
        directory = Path(path)
        if not directory.is_dir():
            files.append(path)
            continue
        try:
            found = sorted(
                one for one in directory.iterdir() if one.suffix in SUFFIXES and one.name[0] != "."
            )
        except OSError as error:
            raise Mistakes([Mistake(path, None, "", f"cannot be read: {error.strerror}")]) from None
        if not found:
            raise Mistakes(
                [
                    Mistake(
                        path, None, "", "this directory contains no file that ends in .yml or .yaml"
                    )
                ]
            )
        files += map(str, found)
    return list(dict.fromkeys(files))


def state_of_all(paths: Sequence[str]) -> object:
    """A value that differs after every change of a file, or of the set of files."""
    try:
        return [(file, state_of(file)) for file in files_in(paths)]
    except Mistakes as mistakes:
        return str(mistakes)


@dataclass(slots=True)
class MergedFiles:
    """All files as one: top-level mappings are merged, lists are concatenated."""

    tree: Node
    first: str
    origin: dict[Keys, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def file_of(self, path: Keys) -> str:
        """The file that contains the value at a path."""
        return self.origin.get(path[:2]) or self.origin.get(path[:1]) or self.first

    @classmethod
    def merge(cls, parts: Sequence[tuple[str, Node]]) -> "MergedFiles":
        """Merges the files. A duplicate is an error in the second file."""
        if len(parts) == 1:
            return cls(parts[0][1], parts[0][0])
        whole = cls(Node(Place(1, 1), {}), parts[0][0])
        for file, part in parts:
            whole._add(file, part)
        return whole

    def _add(self, file: str, part: Node) -> None:
        if not isinstance(part.value, dict):
            if part.value is not Blank.SPOILT:
                self._note(file, part.place, (), "must be a mapping of keys to values")
            return
        assert isinstance(self.tree.value, dict)  # noqa: S101 - it was made so
        for key, place, node in part.entries():
            if key not in self.tree.value:
                self.tree.value[key], self.tree.keys[key] = _copy(node), place
                self._own(file, (key,), node)
            else:
                self._join(file, key, place, node)

    def _join(self, file: str, key: str, place: Place, node: Node) -> None:
        present = self.tree.find((key,))
        if isinstance(present.value, dict) and isinstance(node.value, dict):
            for name, where, entry in node.entries():
                if name in present.value:
                    self._note(file, where, (key, name), self._elsewhere((key, name)))
                else:
                    present.value[name], present.keys[name] = entry, where
                    self.origin[key, name] = file
        elif isinstance(present.value, list) and isinstance(node.value, list):
            for entry in node.value:
                self.origin[key, len(present.value)] = file
                present.value.append(entry)
        else:
            self._note(file, place, (key,), self._elsewhere((key,)))

    def _own(self, file: str, path: Keys, node: Node) -> None:
        self.origin[path] = file
        if isinstance(node.value, dict):
            self.origin |= {(*path, name): file for name in node.value}
        elif isinstance(node.value, list):
            self.origin |= {(*path, number): file for number in range(len(node.value))}

    def _elsewhere(self, path: Keys) -> str:
        line = self.tree.place_of(path, key=True).line
        return f"is already defined in {self.file_of(path)}, line {line}: remove one"

    def _note(self, file: str, place: Place, path: Keys, text: str) -> None:
        self.mistakes.append(Mistake(file, place, written(path), text))


def _copy(node: Node) -> Node:
    """A copy that can be extended: an alias shares its value with its anchor."""
    value = node.value
    if isinstance(value, dict):
        return Node(node.place, dict(value), dict(node.keys))
    return Node(node.place, list(value)) if isinstance(value, list) else node
