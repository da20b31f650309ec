"""Reading of parsed YAML with located errors.

A fault is reported with file and line. Lines are found only when a fault is reported, by composing the file again,
so that reading without fault stays fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from calcipath.errors import GuidelineError
from calcipath.guideline.expression import Expression, ExpressionError
from calcipath.guideline.expression_parser import parse

Step = str | int


@dataclass(frozen=True, slots=True)
class ContentFile:
    """One content file: its name for messages, its text, its parsed form."""

    name: str
    text: str
    data: Any

    @staticmethod
    def parse(name: str, text: str) -> ContentFile:
        """Parse YAML; raises `GuidelineError` with the line of the fault."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            return ContentFile(name, text, yaml.load(text, loader))  # noqa: S506 - a safe loader, the C one where it is built
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f":{mark.line + 1}" if mark else ""
            raise GuidelineError(f"{name}{line}: this is not YAML: {getattr(error, 'problem', error)}") from None

    def line(self, path: Sequence[Step]) -> int:
        """The line (from 1) at which the value under `path` starts; the nearest ancestor's when it does not exist."""
        node = yaml.compose(self.text, yaml.SafeLoader)
        line = 1
        for step in path:
            if node is None:
                break
            line = node.start_mark.line + 1
            node = _child(node, step)
        return node.start_mark.line + 1 if node is not None else line


def _child(node: yaml.Node, step: Step) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


@dataclass(frozen=True, slots=True)
class Entry:
    """A mapping of a content file, with its place."""

    file: ContentFile
    path: tuple[Step, ...]
    data: Mapping[str, Any]

    def fail(self, message: str, *path: Step) -> GuidelineError:
        """The error to raise: message with file, line and the entry's id."""
        named = self.data.get("id")
        subject = f"{named}: " if isinstance(named, str) else ""
        return GuidelineError(f"{self.file.name}:{self.file.line((*self.path, *path))}: {subject}{message}")

    @property
    def place(self) -> str:
        """File and line, for messages about the whole entry."""
        return f"{self.file.name}:{self.file.line(self.path)}"

    def only(self, *allowed: str) -> None:
        """Refuse keys that mean nothing here: a slip of the pen must not switch a guard off."""
        for key in self.data:
            if key not in allowed:
                raise self.fail(f"unknown key '{key}' (allowed: {', '.join(allowed)})", str(key))

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key)
        if value is None:
            if default is None:
                raise self.fail(f"'{key}' is missing")
            return default
        if not isinstance(value, str) or not value.strip():
            raise self.fail(f"'{key}' must be a text", key)
        return " ".join(value.split())

    def one_of(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in allowed:
            raise self.fail(f"'{key}' is '{value}', must be one of {', '.join(allowed)}", key)
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(f"'{key}' must be true or false", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key, ())
        if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
            raise self.fail(f"'{key}' must be a list of texts", key)
        return tuple(value)

    def pair(self, key: str) -> tuple[float, float] | None:
        value = self.data.get(key)
        if value is None:
            return None
        numbers = isinstance(value, list) and len(value) == 2 and all(isinstance(n, (int, float)) for n in value)
        if not numbers or value[0] > value[1]:
            raise self.fail(f"'{key}' must be [low, high]", key)
        return float(value[0]), float(value[1])

    def entry(self, key: str) -> Entry | None:
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.fail(f"'{key}' must be a mapping", key)
        return Entry(self.file, (*self.path, key), value)

    def entries(self, key: str, *, required: bool = False) -> tuple[Entry, ...]:
        value = self.data.get(key)
        if value is None:
            if required:
                raise self.fail(f"'{key}' is missing")
            return ()
        if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            raise self.fail(f"'{key}' must be a list of mappings", key)
        return tuple(Entry(self.file, (*self.path, key, number), each) for number, each in enumerate(value))

    def condition_text(self, key: str) -> str:
        value = self.data.get(key)
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is None and key in self.data:
            return "null"
        if not isinstance(value, str):
            raise self.fail(f"'{key}' must be a condition" if key in self.data else f"'{key}' is missing", key)
        return value.strip()

    def parsed(self, key: str) -> tuple[str, Expression]:
        """The text of a condition and its syntax tree."""
        text = self.condition_text(key)
        try:
            return " ".join(text.split()), parse(text)
        except ExpressionError as error:
            raise self.in_condition(key, text, error) from None

    def in_condition(self, key: str, text: str, error: ExpressionError) -> GuidelineError:
        """The error of a condition, with the words at which it stands."""
        near = text[error.offset : error.offset + 30].split("\n")[0].strip() or "its end"
        return self.fail(f"in '{key}' at «{near}»: {error}", key)


def top(file: ContentFile) -> Entry:
    """The whole file as an entry. Raises `GuidelineError` when it is not a mapping."""
    if not isinstance(file.data, Mapping):
        raise GuidelineError(f"{file.name}:1: the file must be a mapping")
    return Entry(file, (), file.data)


def unique(entries: Iterator[Entry] | Sequence[Entry], what: str) -> list[Entry]:
    """The entries, each with an id of its own. Raises `GuidelineError` that names both places."""
    seen: dict[str, Entry] = {}
    for entry in entries:
        name = entry.text("id")
        if name in seen:
            raise entry.fail(f"this {what} is already defined at {seen[name].place}", "id")
        seen[name] = entry
    return list(seen.values())
