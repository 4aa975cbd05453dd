"""Contract files: how they are read, and mistakes that make only one contract invalid."""

from __future__ import annotations

import pytest

from graphcut.contracts.config_file import find_file, read_contracts, select_contracts
from graphcut.contracts.definition import Allowance, Contract, Severity, Status
from graphcut.errors import GraphcutError

FULL = """
[defaults]
variables = "*"

[[contract]]
name = "everything"
source = "agents.py:train_step"
spec = ["float32[?,4]"]
loss = "policy_loss"
gradient = 0
must_reach = ["actor/*"]
must_not_reach = ["critic/*"]
only = ["actor/*"]
through = ["q_network"]
avoiding = ["target/*"]
no_unused = true
stops = ["*StopGradient*"]
updated = ["actor/*"]
allow = [{ variable = "actor/temperature", reason = "fixed until milestone 3" }]
severity = "warning"
"""


def written(tmp_path, text, name="graphcut.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def one(tmp_path, lines, name="graphcut.toml"):
    (contract,) = read_contracts(written(tmp_path, "[[contract]]\n" + lines, name))
    return contract


def mistake(tmp_path, lines):
    """The line and the message of the only finding about an invalid contract."""
    result = one(tmp_path, lines)
    assert result.status is Status.INVALID
    (finding,) = result.findings
    return int(finding.where.rpartition(":")[2]), finding.message


def test_every_key_is_read(tmp_path):
    (contract,) = read_contracts(written(tmp_path, FULL))
    assert contract == Contract(
        name="everything",
        source="agents.py:train_step",
        line=5,
        spec=("float32[?,4]",),
        loss=("policy_loss",),
        gradient=0,
        variables=("*",),
        must_reach=("actor/*",),
        must_not_reach=("critic/*",),
        only=("actor/*",),
        through=("q_network",),
        avoiding=("target/*",),
        no_unused=True,
        stops=("*StopGradient*",),
        updated=("actor/*",),
        allow=(Allowance("actor/temperature", "fixed until milestone 3"),),
        severity=Severity.WARNING,
    )


def test_pyproject_holds_the_same_keys(tmp_path):
    text = FULL.replace("[defaults]", "[tool.graphcut.defaults]").replace("[[contract]]", "[[tool.graphcut.contract]]")
    assert read_contracts(written(tmp_path, text, "pyproject.toml")) == read_contracts(written(tmp_path, FULL))


def test_setup_cfg_lists_one_item_per_line(tmp_path):
    text = """[metadata]
name = x

[graphcut:defaults]
severity = warning

[graphcut:contract:the actor learns]
source = agents.py:train_step
spec = float32[?,4]
gradient = 1
must_reach =
    actor/*
    shared/*
no_unused = true
allow =
    actor/temperature: fixed until milestone 3
"""
    (contract,) = read_contracts(written(tmp_path, text, "setup.cfg"))
    assert (contract.name, contract.line, contract.gradient) == ("the actor learns", 7, 1)
    assert contract.must_reach == ("actor/*", "shared/*") and contract.no_unused and contract.severity is Severity.WARNING
    assert contract.allow == (Allowance("actor/temperature", "fixed until milestone 3"),)


def test_a_contract_s_own_key_beats_the_defaults(tmp_path):
    text = (
        '[defaults]\nseverity = "warning"\n' + '[[contract]]\nname = "a"\nsource = "s"\nmust_reach = "w"\nseverity = "error"\n'
    )
    (contract,) = read_contracts(written(tmp_path, text))
    assert contract.severity is Severity.ERROR and contract.must_reach == ("w",)


@pytest.mark.parametrize(
    "lines, line, message",
    [
        ('name = "a"\nsource = "s"\nmust_raech = ["w"]', 4, "unknown key 'must_raech'; did you mean 'must_reach'"),
        ('name = "a"\nsource = "s"\nmust_reach = 3', 4, "must_reach must be a list of strings, not a number"),
        ('name = "a"\nsource = "s"\nmust_reach = ["w", 3]', 4, "not a list that holds a number"),
        ('name = "a"\nsource = "s"\nmust_reach = []', 4, "must_reach is an empty list, which demands nothing"),
        ('name = "a"\nsource = "s"\nmust_reach = ["w[0"]', 4, "the pattern 'w[0' has a bracket without a partner"),
        ('name = "a"\nsource = "s"\nno_unused = "yes"', 4, "no_unused must be true or false, not a string"),
        ('name = "a"\nsource = "s"\nmust_reach = "w"\ngradient = -1', 5, "gradient must be a number counted from 0"),
        ('name = "a"\nsource = "s"\nmust_reach = "w"\ngradient = true', 5, "not a boolean"),
        ('name = "a"\nsource = "s"\nmust_reach = "w"\nseverity = "bad"', 5, 'severity must be "error" or "warning"'),
        ('name = "a"\nsource = "s"\nmust_reach = "w"\nseverity = true', 5, 'must be "error" or "warning", not a boolean'),
        ('name = "a"\nsource = "s"\nmust_reach = "w"\nspec = ["?,20"]', 5, "'?,20'"),
        ('name = "a"\nsource = "s"\nmust_reach = "w"\nallow = ["w"]', 5, "allow must be a list of tables"),
        ('name = "a"\nsource = "s"\nmust_reach = "w"\nallow = [{ variable = "w" }]', 5, "allow must be a list of tables"),
        ('name = "a"\nmust_reach = ["w"]', 1, "source is required"),
        ('source = "s"\nmust_reach = ["w"]', 1, "name is required"),
        ('name = " "\nsource = "s"\nmust_reach = "w"', 2, "name is required"),
        ('name = "a"\nsource = ""\nmust_reach = "w"', 3, "source is empty"),
        ('name = "a"\nsource = "s"\nmust_reach = "w"\nallow = [{ variable = "w", reason = "" }]', 5, "'w' has no reason"),
        ('name = "a"\nsource = "s"\nno_unused = true\n[[contract.allow]]\nvariabel = "w"', 5, "unknown key 'variabel'"),
        ('name = "a"\nsource = "s"\nno_unused = true\n[contract.extra]\nname = "b"', 5, "unknown key 'extra'"),
        ('name = "a"\nsource = "s"', 2, "the contract demands nothing"),
        ('name = "a"\nsource = "s"\nno_unused = true\nthrough = ["q"]', 5, "there is no must_reach"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, lines, line, message):
    at, said = mistake(tmp_path, lines)
    assert at == line and message in said


def test_all_mistakes_of_a_contract_are_told(tmp_path):
    result = one(tmp_path, 'name = "a"\nsource = 3\nmust_raech = "w"\nno_unused = 1')
    assert [(each.rule, each.where[-1]) for each in result.findings] == [
        ("source", "3"),
        ("must_raech", "4"),
        ("no_unused", "5"),
    ]


def test_an_exception_in_setup_cfg_needs_a_reason(tmp_path):
    text = "[graphcut:contract:a]\nsource = s\nmust_reach = w\nallow =\n    w\n"
    (result,) = read_contracts(written(tmp_path, text, "setup.cfg"))
    assert "the exception for 'w' has no reason" in result.findings[0].message


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    assert read_contracts(written(tmp_path, "\ufeff" + FULL)) == read_contracts(written(tmp_path, FULL, "other.toml"))


def test_a_name_is_given_once(tmp_path):
    text = '[[contract]]\nname = "a"\nsource = "s"\nmust_reach = "w"\n' * 2
    first, second = read_contracts(written(tmp_path, text))
    assert isinstance(first, Contract) and "is taken by the contract at line 1" in second.findings[0].message


def test_one_bad_contract_leaves_the_others_alone(tmp_path):
    good = '[[contract]]\nname = "%s"\nsource = "s"\nmust_reach = "w"\n'
    contracts = read_contracts(written(tmp_path, good % "a" + "odd = 1\n" + good % "b"))
    assert [isinstance(each, Contract) for each in contracts] == [False, True]


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("graphcut.toml", "[[contract", "is not valid TOML"),
        ("graphcut.toml", "", "holds no contract"),
        ("graphcut.toml", "[contract]\nname = 'a'", r"write \[\[contract\]\]"),
        ("graphcut.toml", "[[contracts]]\nname = 'a'", "unknown table 'contracts'; did you mean 'contract'"),
        ("pyproject.toml", "tool = 3", "tool.graphcut must be a table, not a number"),
        ("pyproject.toml", "[tool]\ngraphcut = []", "tool.graphcut must be a table, not a list"),
        ("setup.cfg", "[graphcut:contract:a\n", "cannot be parsed"),
        ("setup.cfg", "[graphcut:contact:a]\nsource = s\n", "setup.cfg:1: unknown section 'graphcut:contact:a'; did you mean"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, name, text, message):
    with pytest.raises(GraphcutError, match=message):
        read_contracts(written(tmp_path, text, name))


def test_the_first_file_that_holds_contracts_is_taken(tmp_path):
    written(tmp_path, "[project]\n", "pyproject.toml")
    written(tmp_path, "[graphcut:contract:a]\n", "setup.cfg")
    assert find_file(str(tmp_path)).endswith("setup.cfg")
    written(tmp_path, FULL)
    assert find_file(str(tmp_path)).endswith("graphcut.toml")


def test_no_file_at_all_says_how_to_make_one(tmp_path):
    with pytest.raises(GraphcutError, match="graphcut init"):
        find_file(str(tmp_path))


def test_a_contract_is_selected_by_its_name(tmp_path):
    contracts = read_contracts(written(tmp_path, FULL))
    assert select_contracts(contracts, ["everything"]) == contracts == select_contracts(contracts, [])
    with pytest.raises(GraphcutError, match="did you mean 'everything'"):
        select_contracts(contracts, ["everythin"])


def test_a_pattern_selects_contracts(tmp_path):
    text = "".join('[[contract]]\nname = "%s"\nsource = "a.py:b"\nonly = "w"\n' % name for name in ("a [1]", "a [2]", "b"))
    contracts = read_contracts(written(tmp_path, text))
    assert select_contracts(contracts, ["a*"]) == contracts[:2] and select_contracts(contracts, ["a [1]"]) == contracts[:1]
    with pytest.raises(GraphcutError, match="no contract 'c[*]'"):
        select_contracts(contracts, ["a*", "c*"])


LOSS = 'source = "a.py:loss"\n'


def test_an_empty_list_takes_a_default_back(tmp_path):
    text = '[defaults]\nmust_not_reach = ["critic"]\n[[contract]]\nname = "a"\n%smust_reach = ["w"]\nmust_not_reach = []\n'
    (contract,) = read_contracts(written(tmp_path, text % LOSS))
    assert contract.must_not_reach == () and contract.must_reach == ("w",)


def test_a_default_that_a_contract_has_no_use_for_is_no_mistake(tmp_path):
    text = '[defaults]\navoiding = ["target"]\n[[contract]]\nname = "a"\n%smust_not_reach = ["w"]\n'
    (contract,) = read_contracts(written(tmp_path, text % LOSS))
    assert contract.must_not_reach == ("w",)


def test_a_name_in_the_defaults_is_shown_at_its_own_line(tmp_path):
    (result,) = read_contracts(written(tmp_path, '[defaults]\nname = "x"\n[[contract]]\nname = "a"\n%s' % LOSS))
    assert [each.where.rpartition(":")[2] for each in result.findings] == ["2"]


@pytest.mark.parametrize("value, shown", [("-1", "-1"), ("1.5", "1.5"), ("true", "a boolean"), ("[]", "a list")])
def test_a_gradient_that_is_no_number_is_quoted(tmp_path, value, shown):
    line, message = mistake(tmp_path, 'name = "a"\n%smust_reach = ["w"]\ngradient = %s\n' % (LOSS, value))
    assert line == 5 and message.endswith("not %s" % shown)


@pytest.mark.parametrize(
    "exception, said",
    [
        ('{ variable = "w", reason = "r", untl = "May" }', "unknown key 'untl'"),
        ('{ variabel = "w", reason = "r" }', "did you mean 'variable'?"),
        ('{ reason = "r" }', "the exception has no variable"),
        ('{ variable = "w" }', "the exception for 'w' has no reason"),
        ('"w"', "not a list that holds a string"),
    ],
)
def test_an_exception_that_is_wrong_says_what_is_wrong(tmp_path, exception, said):
    _, message = mistake(tmp_path, 'name = "a"\n%smust_reach = ["w"]\nallow = [%s]\n' % (LOSS, exception))
    assert said in message


@pytest.mark.parametrize(
    "text, line, said",
    [
        ('name = "x"\n[[contract]]\n', 1, "unknown key 'name'"),
        ('must_reach = ["x"]\n[[contract]]\n', 1, "unknown key 'must_reach'"),
        ("\n[[defaults]]\nno_unused = true\n", 2, "write [defaults], with one bracket"),
        ('[defaults]\n[[contracts]]\nname = "x"\n', 2, "did you mean 'contract'?"),
        ('\n[contract]\nname = "x"\n', 2, "write [[contract]]"),
        ('\n[contract.first]\nname = "x"\n', 2, "write [[contract]]"),
    ],
)
def test_a_table_that_is_none_of_ours_is_shown_with_its_line(tmp_path, text, line, said):
    with pytest.raises(GraphcutError) as caught:
        read_contracts(written(tmp_path, text))
    assert "graphcut.toml:%d: " % line in str(caught.value) and said in str(caught.value)


def test_a_spec_of_an_unknown_dtype_is_invalid_at_its_line(tmp_path):
    line, message = mistake(tmp_path, 'name = "a"\n%smust_reach = ["w"]\nspec = ["flaot32[?,4]"]\n' % LOSS)
    assert line == 5 and "did you mean 'float32'" in message


def test_what_a_contract_lacks_is_told_with_its_own_line(tmp_path):
    lines = '[[contract]]\nname = "a"\nsource = "model.py:loss"\n\n[[contract]]\nname = "b"\nmust_reach = ["w"]\n'
    _, second = read_contracts(written(tmp_path, lines, "graphcut.toml"))
    assert second.findings[0].where.endswith("graphcut.toml:5") and "source is required" in second.findings[0].message


def test_what_is_allowed_is_a_list_of_tables(tmp_path):
    line, message = mistake(tmp_path, 'name = "a"\nsource = "x.meta"\nmust_reach = ["w"]\nallow = "w"\n')
    assert line == 5 and message.startswith("allow must be a list of tables") and message.endswith(", not a string")


def test_a_name_of_blanks_is_none(tmp_path):
    assert mistake(tmp_path, 'name = " "\nsource = "x.meta"\nno_unused = true\n') == (
        2,
        "name is required: a string that no other contract has",
    )


@pytest.mark.parametrize(
    "data, message",
    [(b"defaults = 3\n[[contract]]\n", "defaults must be a table"), (b"\xff\xfe[[contract]]\n", "is not UTF-8 text")],
)
def test_a_file_that_is_wrong_as_a_whole_is_an_error(tmp_path, data, message):
    (tmp_path / "graphcut.toml").write_bytes(data)
    with pytest.raises(GraphcutError, match=message):
        read_contracts(str(tmp_path / "graphcut.toml"))
