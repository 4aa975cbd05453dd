"""Every public name has a complete docstring: arguments, fields, values, results."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from pathlib import Path

import pytest

import graphcut

from . import typed

PUBLIC = {name: getattr(graphcut, name) for name in graphcut.__all__}
MEMBERS = {
    "Audit." + name: getattr(member, "fget", member)
    for name, member in vars(graphcut.Audit).items()
    if not name.startswith("_") or name == "__getitem__"
}
FUNCTIONS = {name: each for name, each in {**PUBLIC, **MEMBERS}.items() if inspect.isfunction(each)}
ASKED = {"block", "key", "path", "remove", "source", "step", "through"}  # what an answer may not be found for
WITHOUT_EXAMPLE = {
    "Audit.draw": "writes a file",
    "Audit.place": "asked by the number of an op, by the views",
    "Audit.reason": "facts of which explain makes words",
    "Audit.shapes": "asked by the number of an op, by the views",
    "page": "writes a file",
}
DATA = {name: each for name, each in PUBLIC.items() if dataclasses.is_dataclass(each)}
ENUMS = {name: each for name, each in PUBLIC.items() if isinstance(each, type) and issubclass(each, enum.Enum)}


def test_all_are_looked_at():
    assert len(FUNCTIONS) > 20 and len(DATA) >= 8 and len(ENUMS) == 4


@pytest.mark.parametrize("name", sorted({**PUBLIC, **MEMBERS}))
def test_everything_has_a_docstring_of_its_own(name):
    found = {**PUBLIC, **MEMBERS}[name].__doc__
    assert found and found.strip().endswith((".", ")", "'", "`")) or ">>>" in found


@pytest.mark.parametrize("name", sorted(graphcut.__all__))
def test_every_name_is_used_as_a_strict_user_would(name):
    assert re.search(rf"\b{name}\b", Path(typed.__file__).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_argument_is_told(name):
    said = FUNCTIONS[name].__doc__
    arguments = [each for each in inspect.signature(FUNCTIONS[name]).parameters if each not in ("self", "args", "kwargs")]
    assert [each for each in arguments if f"{each}: " not in said and f"``{each}``" not in said] == []


def arguments(name):
    return [each for each in inspect.signature(FUNCTIONS[name]).parameters if each != "self"]


@pytest.mark.parametrize("name", sorted(name for name in FUNCTIONS if ASKED & set(arguments(name))))
def test_what_is_raised_is_told(name):
    assert re.search(r"Raises:\n +GraphcutError: ", FUNCTIONS[name].__doc__)


SECTION = re.compile(r"(?m)^( *)(?:Args|Raises):\n((?:\1 +.*\n|\n)+)")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_entry_of_a_section_is_a_name_and_a_description(name):
    """The reference is made of these; what an entry goes on with is indented below it."""
    text = inspect.getdoc(FUNCTIONS[name]) + "\n"
    entries = [line for _, body in SECTION.findall(text) for line in body.splitlines() if re.match(r" {4}\S", line)]
    assert [line for line in entries if not re.match(r" {4}\S[^:]*: \S", line)] == []


def test_every_question_has_an_example():
    without = {name for name, each in FUNCTIONS.items() if arguments(name) and ">>> " not in each.__doc__}
    assert without == set(WITHOUT_EXAMPLE)


@pytest.mark.parametrize("name", sorted(DATA))
def test_every_field_is_told(name):
    fields = [field.name for field in dataclasses.fields(DATA[name])]
    assert [each for each in fields if f"``{each}``" not in DATA[name].__doc__] == []


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_every_word_is_told(name):
    assert [each.value for each in ENUMS[name] if f"``{each.value}``" not in ENUMS[name].__doc__] == []


PACKAGE = Path(graphcut.__file__).parent
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = {path.stem: text for path, text in SOURCES.items() if path.stem != "__init__"}
PACKAGES = {path.parent.name: {each.stem for each in path.parent.glob("*")} for path in SOURCES if path.stem == "__init__"}
REFERENCE = re.compile(r"``([a-z]\w*)\.([A-Za-z_]\w*)(?:\.[\w.]+)?(?:\(\))?``")
SUFFIXES = {"cc", "cfg", "desc", "h", "html", "json", "jsonl", "lock", "proto", "py", "svg", "toml", "txt"}
OTHERS = {"ast", "audit", "backprop", "cond_v2", "dataclasses", "function_deserialization", "functools", "gradient"}
OTHERS |= {"gradients_util", "keras", "layer", "model_explorer", "networkx", "options", "question", "rich", "sys", "tape"}
OTHERS |= {"tensorflow", "tf", "variable", "while_v2"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_a_docstring_refers_to_is_there(path):
    """A module, or a name of one: it was called so when the docstring was written, and renamed since."""
    stale = []
    for match in REFERENCE.finditer(SOURCES[path]):
        owner, name = match.groups()
        is_there = owner in OTHERS or name in SUFFIXES or name in PACKAGES.get(owner, ())
        is_there = is_there or (owner == "graphcut" and hasattr(graphcut, name))
        if not is_there and not re.search(rf"\b{name}\b *(?:[(:=]|,.*=)", MODULES.get(owner, "")):
            stale.append(match.group())
    assert stale == []


def test_files_that_docstrings_refer_to_are_there():
    named = {name for text in SOURCES.values() for name in re.findall(r"``(\w+\.(?:txt|desc|proto))``", text)}
    assert named and named <= {path.name for path in PACKAGE.rglob("*")}
