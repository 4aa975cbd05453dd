"""Read contracts from ``graphcut.toml``, ``pyproject.toml`` or ``setup.cfg``. Nothing in these files is executed.

A mistake in one contract makes only that contract invalid; a file that cannot be parsed, or that holds no contract, is a
``GraphcutError``.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from graphcut.api.tensor_spec import parse_spec
from graphcut.contracts.definition import Allowance, Contract, ContractResult, Finding, Severity, Status
from graphcut.errors import GraphcutError, near_names, printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = ("graphcut.toml", "pyproject.toml", "setup.cfg")
_SECTION = "graphcut:contract:"
_DEFAULTS = "graphcut:defaults"


class _Mistake(Exception):
    """An invalid value in a contract: the key, what is wrong, and whether it is in ``[defaults]``."""

    def __init__(self, key: str, message: str, in_defaults: bool = False) -> None:
        super().__init__(message)
        self.key, self.message, self.in_defaults = key, message, in_defaults


@dataclass(frozen=True)
class _Table:
    """A contract as the parser returns it, with the line of each key and of the contract itself."""

    values: Mapping[str, Any]
    line: int
    lines: Mapping[str, int]


def find_file(folder: str = ".") -> str:
    """Return the path of the file in ``folder`` that holds contracts.

    Raises:
        GraphcutError: there is none.
    """
    for name in FILES:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and (name == FILES[0] or _mentions_graphcut(path)):
            return os.path.normpath(path)
    raise GraphcutError(
        "no contracts in this folder: looked for graphcut.toml, [tool.graphcut] in pyproject.toml and "
        "[graphcut:contract:NAME] in setup.cfg\nWrite a first file with: graphcut init SOURCE"
    )


def _mentions_graphcut(path: str) -> bool:
    pattern = r"^\s*\[\[?\s*tool\.graphcut\b" if path.endswith(".toml") else r"^\[graphcut:"
    return re.search(pattern, _text(path), re.MULTILINE) is not None


def read_contracts(path: str) -> Tuple[Union[Contract, ContractResult], ...]:
    """Return the contracts of a file in order; an invalid one is a ``ContractResult`` that says what is wrong.

    Args:
        path: a ``.toml`` file (``pyproject.toml`` keeps them under ``[tool.graphcut]``), or a ``.cfg`` or ``.ini`` file.

    Raises:
        GraphcutError: the file cannot be read or parsed, or holds no contract.
    """
    tables, defaults = _cfg_tables(path) if path.endswith((".cfg", ".ini")) else _toml_tables(path)
    if not tables:
        raise GraphcutError("%s holds no contract\nA contract begins with [[contract]]; see docs/contracts.md." % _label(path))
    names: Dict[str, int] = {}
    return tuple(_contract(path, each, defaults, names) for each in tables)


def _contract(path: str, table: _Table, defaults: _Table, names: Dict[str, int]) -> Union[Contract, ContractResult]:
    name = table.values.get("name")
    shown = name if isinstance(name, str) and name.strip() else "contract at line %d" % table.line
    mistakes = _name_mistakes(name, table, defaults, names)
    fields: Dict[str, Any] = {}
    for key, value in _merged(table, defaults).items():
        try:
            fields[key] = _field(key, value)
        except _Mistake as mistake:
            mistakes += [mistake] if key != "name" else []
    if not mistakes:
        try:
            return _parse_contract(table, fields)
        except _Mistake as mistake:
            mistakes = [mistake]
    severity = Severity.WARNING if table.values.get("severity") == "warning" else Severity.ERROR
    findings = tuple(_finding(path, table, defaults, each) for each in mistakes)
    return ContractResult(name=shown, status=Status.INVALID, severity=severity, line=table.line, findings=findings)


def _merged(table: _Table, defaults: _Table) -> Mapping[str, Any]:
    """Return the keys of a contract, with missing keys from ``[defaults]``; an empty list removes a default."""
    merged = {**defaults.values, **table.values}
    for key in table.values:
        if key in defaults.values and table.values[key] == [] and _KEYS.get(key) is _read_patterns:
            del merged[key]
    return merged


def _finding(path: str, table: _Table, defaults: _Table, mistake: _Mistake) -> Finding:
    own = 0 if mistake.in_defaults else table.lines.get(mistake.key)
    line = own or defaults.lines.get(mistake.key) or table.line
    where = "%s:%d" % (path, line)
    return Finding(variable=None, rule=mistake.key, verdict=None, message=mistake.message, where=where)


def _name_mistakes(name: Any, table: _Table, defaults: _Table, names: Dict[str, int]) -> List[_Mistake]:
    """Return the problem with the name of a contract, if any, and add the name to ``names``."""
    if "name" in defaults.values:
        return [_Mistake("name", "[defaults] cannot hold a name: each contract has its own", in_defaults=True)]
    if not isinstance(name, str) or not name.strip():
        return [_Mistake("name", "name is required: a string that no other contract has")]
    if name in names:
        return [_Mistake("name", "the name %s is taken by the contract at line %d" % (printable(name), names[name]))]
    names[name] = table.line
    return []


def _field(key: str, value: Any) -> Any:
    if key not in _KEYS:
        raise _Mistake(key, "unknown key %s%s" % (printable(key), near_names(key, _KEYS)))
    return _KEYS[key](key, value)


def _parse_contract(table: _Table, fields: Mapping[str, Any]) -> Contract:
    if "source" not in fields:
        raise _Mistake("source", "source is required: what `graphcut audit` takes, such as model.py:loss")
    contract = Contract(line=table.line, **fields)
    _check_rules(contract, table)
    return contract


def _check_rules(contract: Contract, table: _Table) -> None:
    for key in ("through", "avoiding"):
        if key in table.values and getattr(contract, key) and not contract.must_reach:
            raise _Mistake(key, "%s says how the variables of must_reach are reached, and there is no must_reach" % key)
    rules = (contract.must_reach, contract.must_not_reach, contract.no_unused, contract.stops, contract.updated)
    if contract.only is None and not any(rules):
        names = "must_reach, must_not_reach, only, no_unused, stops, updated"
        raise _Mistake("name", "the contract demands nothing\nGive it at least one of %s." % names)


def _string(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _Mistake(key, "%s must be a string, not %s" % (key, _kind(value)))
    if not value.strip():
        raise _Mistake(key, "%s is empty" % key)
    return value


def _strings(key: str, value: Any) -> Tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) and each.strip() for each in listed):
        raise _Mistake(key, "%s must be a list of strings, not %s" % (key, _kind(value)))
    return tuple(listed)


def _patterns(key: str, value: Any) -> Tuple[str, ...]:
    patterns = _strings(key, value)
    for each in patterns:
        if each.count("[") != each.count("]"):
            raise _Mistake(key, "%s: the pattern %s has a bracket without a partner" % (key, printable(each)))
    return patterns


def _read_patterns(key: str, value: Any) -> Tuple[str, ...]:
    patterns = _patterns(key, value)
    if not patterns:
        raise _Mistake(key, "%s is an empty list, which demands nothing\nName a variable or a pattern." % key)
    return patterns


def _specs(key: str, value: Any) -> Tuple[str, ...]:
    specs = _strings(key, value)
    for each in specs:
        try:
            parse_spec(each)
        except GraphcutError as error:
            raise _Mistake(key, str(error)) from None
    return specs


def _gradient(key: str, value: Any) -> Union[int, str]:
    if isinstance(value, bool) or not isinstance(value, (int, str)) or (isinstance(value, int) and value < 0):
        shown = value if isinstance(value, (int, float)) and not isinstance(value, bool) else _kind(value)
        message = "gradient must be a number counted from 0, or the name of the gradient's target, not %s" % shown
        raise _Mistake(key, message)
    return value


def _boolean(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Mistake(key, "%s must be true or false, not %s" % (key, _kind(value)))
    return value


_ALLOWANCE = ("variable", "reason")


def _allowances(key: str, value: Any) -> Tuple[Allowance, ...]:
    form = 'allow must be a list of tables such as { variable = "actor/temperature", reason = "fixed until May" }'
    if not isinstance(value, list):
        raise _Mistake(key, form + ", not %s" % _kind(value))
    for each in value:
        if not isinstance(each, dict):
            raise _Mistake(key, form + ", not a list that holds %s" % _kind(each))
        unknown = next((field for field in each if field not in _ALLOWANCE), None)
        if unknown is not None:
            raise _Mistake(
                key, "unknown key %s of an exception%s\n%s" % (printable(unknown), near_names(unknown, _ALLOWANCE), form)
            )
        for field in _ALLOWANCE:
            if not isinstance(each.get(field), str) or not each[field].strip():
                shown = " for %s" % printable(str(each["variable"])) if field == "reason" else ""
                raise _Mistake(key, "the exception%s has no %s\n%s" % (shown, field, form))
    return tuple(Allowance(variable=each["variable"], reason=each["reason"]) for each in value)


def _severity(key: str, value: Any) -> Severity:
    if value not in ("error", "warning"):
        shown = printable(value) if isinstance(value, str) else _kind(value)
        raise _Mistake(key, 'severity must be "error" or "warning", not %s' % shown)
    return Severity(value)


_KEYS: Mapping[str, Callable[[str, Any], Any]] = {
    "name": _string,
    "source": _string,
    "spec": _specs,
    "loss": _strings,
    "gradient": _gradient,
    "variables": _patterns,
    "must_reach": _read_patterns,
    "must_not_reach": _read_patterns,
    "only": _patterns,
    "through": _read_patterns,
    "avoiding": _read_patterns,
    "no_unused": _boolean,
    "stops": _read_patterns,
    "updated": _read_patterns,
    "allow": _allowances,
    "severity": _severity,
}


def _kind(value: Any) -> str:
    words = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a table"}
    kind = words.get(type(value), "a %s" % type(value).__name__)
    if isinstance(value, str) and not value.strip():
        return "an empty string"
    if isinstance(value, list):
        other = next((each for each in value if not isinstance(each, str) or not each.strip()), None)
        return kind if other is None else "a list that holds %s" % _kind(other)
    return kind


# TOML


def _toml_tables(path: str) -> Tuple[List[_Table], _Table]:
    text = _text(path)
    try:
        document: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise GraphcutError("%s is not valid TOML: %s" % (_label(path), error)) from None
    prefix = shown = ""
    if os.path.basename(path) == "pyproject.toml":
        shown = "tool.graphcut."
        document, prefix = _tool_table(path, document), r"tool\s*\.\s*graphcut\s*\.\s*"
    contracts, defaults = document.get("contract", []), document.get("defaults", {})
    unknown = next((each for each in document if each not in ("contract", "defaults")), None)
    if unknown is not None:
        sort = "table" if _is_table(document[unknown]) else "key"
        near = near_names(unknown, ["contract", "defaults"])
        message = "%s: unknown %s %s%s\nKeys of a contract stand below [[%scontract]], those of all below [%sdefaults]."
        raise GraphcutError(message % (_at(path, text, unknown), sort, printable(unknown), near, shown, shown))
    if not isinstance(contracts, list) or not all(isinstance(each, dict) for each in contracts):
        message = "%s: contract must be an array of tables: write [[%scontract]], with two brackets"
        raise GraphcutError(message % (_at(path, text, "contract"), shown))
    if not isinstance(defaults, dict):
        message = "%s: defaults must be a table: write [%sdefaults], with one bracket"
        raise GraphcutError(message % (_at(path, text, "defaults"), shown))
    starts = _headers(text, r"\[\[\s*%scontract\s*\]\]" % prefix)
    tables = [_table(text, each, starts[place] if place < len(starts) else 1) for place, each in enumerate(contracts)]
    start = _headers(text, r"\[\s*%sdefaults\s*\]" % prefix)
    return tables, _table(text, defaults, start[0]) if start else _Table(values=defaults, line=1, lines={})


def _is_table(value: Any) -> bool:
    """Return whether a value is written as a table, or as an array of tables."""
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value))


def _at(path: str, text: str, key: str) -> str:
    """Return ``file:line`` of the first line that sets a key or opens a table of that name; else only the file."""
    pattern = r"\s*(\[+[^=#]*)?[\"']?\b%s\b[\"']?\s*[\]=.]" % re.escape(key)
    line = next((number for number, each in enumerate(text.splitlines(), 1) if re.match(pattern, each)), None)
    return _label(path) + (":%d" % line if line else "")


def _tool_table(path: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the table ``[tool.graphcut]`` of a ``pyproject.toml``; empty if there is none."""
    tools = document.get("tool", {})
    result = tools.get("graphcut", {}) if isinstance(tools, dict) else tools
    if not isinstance(result, dict):
        raise GraphcutError("%s: tool.graphcut must be a table, not %s" % (_label(path), _kind(result)))
    return result


def _headers(text: str, pattern: str) -> List[int]:
    """Return the line numbers of a table's headers, which TOML parsers do not report."""
    return [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*%s\s*(#.*)?$" % pattern, line)]


def _table(text: str, values: Mapping[str, Any], start: int) -> _Table:
    """Return a table with the line of each key; a table in it, such as ``[[contract.allow]]``, is the value of its key."""
    lines: Dict[str, int] = {}
    in_value = False
    for number, line in enumerate(text.splitlines()[start:], start + 1):
        if re.match(r"\s*\[+\s*[A-Za-z\"']", line) and "=" not in line.split("#")[0]:
            inner = _INNER_TABLE.match(line)
            if not inner:
                break
            lines.setdefault(inner.group("key"), number)
            in_value = True
        key = re.match(r"\s*[\"']?([A-Za-z_][\w-]*)[\"']?\s*=", line)
        if key and not in_value:
            lines.setdefault(key.group(1), number)
    return _Table(values=values, line=start, lines=lines)


_INNER_TABLE = re.compile(r"\s*\[+\s*(tool\s*\.\s*graphcut\s*\.\s*)?(contract|defaults)\s*\.\s*[\"']?(?P<key>[\w-]+)")


# setup.cfg


def _cfg_tables(path: str) -> Tuple[List[_Table], _Table]:
    text = _text(path)
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text, source=path)
    except configparser.Error as error:
        raise GraphcutError("%s cannot be parsed: %s" % (_label(path), str(error).splitlines()[0])) from None
    tables = []
    for section in parser.sections():
        if section.startswith("graphcut:") and section != _DEFAULTS and not section.startswith(_SECTION):
            near = near_names(section, [_SECTION + "NAME", _DEFAULTS])
            message = "%s:%d: unknown section %s%s\nA contract is a section [graphcut:contract:NAME]."
            raise GraphcutError(message % (_label(path), _header(text, section), printable(section), near))
        if section.startswith(_SECTION):
            values = {"name": section[len(_SECTION) :], **_cfg_values(parser[section])}
            tables.append(_table(text, values, _header(text, section)))
    values = _cfg_values(parser[_DEFAULTS]) if parser.has_section(_DEFAULTS) else {}
    return tables, _table(text, values, _header(text, _DEFAULTS))


def _header(text: str, section: str) -> int:
    return next((number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[%s]" % section), 1)


def _cfg_values(section: Mapping[str, str]) -> Dict[str, Any]:
    return {key: _cfg_value(key, value) for key, value in section.items()}


def _cfg_value(key: str, value: str) -> Any:
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    if key == "no_unused":
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    if key == "gradient" and value.strip().isdigit():
        return int(value)
    if key == "allow":
        return [_cfg_allowance(line) for line in lines]
    return value.strip() if _KEYS.get(key) in (_string, _severity, _gradient) else lines


def _cfg_allowance(line: str) -> Mapping[str, str]:
    """Parse an exception such as ``actor/temperature: fixed until May``."""
    variable, _, reason = line.partition(": ")
    return {"variable": variable.strip(), "reason": reason.strip()}


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except OSError as error:
        raise GraphcutError("%s cannot be read: %s" % (_label(path), error.strerror)) from None
    except UnicodeDecodeError:
        raise GraphcutError("%s is not UTF-8 text" % _label(path)) from None


def _label(path: str) -> str:
    return printable(path)[1:-1]


def select_contracts(
    contracts: Sequence[Union[Contract, ContractResult]], names: Iterable[str]
) -> Tuple[Union[Contract, ContractResult], ...]:
    """Return the contracts with these names or patterns, in the file's order; by default all.

    Raises:
        GraphcutError: there is no contract of a name; the message has near names.
    """
    wanted = tuple(names)
    all_names = [each.name for each in contracts]
    chosen = {
        name: [name] if name in all_names else [each for each in all_names if fnmatchcase(each, name)] for name in wanted
    }
    unknown: Optional[str] = next((name for name in wanted if not chosen[name]), None)
    if unknown is not None:
        listed = near_names(unknown, all_names) or "\nThe contracts are: %s" % ", ".join(map(printable, all_names[:10]))
        raise GraphcutError("no contract %s%s" % (printable(unknown), listed))
    return tuple(each for each in contracts if not wanted or any(each.name in result for result in chosen.values()))
