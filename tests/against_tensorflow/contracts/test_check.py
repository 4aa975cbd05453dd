"""Contracts checked against real sources from Python."""

from __future__ import annotations

import sys

import pytest
import tensorflow as tf

import graphcut
from graphcut import testing
from graphcut.contracts.definition import Status
from graphcut.contracts.first_contracts import first_contracts
from tests.against_tensorflow.contracts.project import AGENTS


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose module this process imports."""
    if not tf.executing_eagerly():
        pytest.skip("TensorFlow 1 executes eagerly only if its program says so at the start")
    (tmp_path / "agents.py").write_text(AGENTS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("agents", None)


def checked(project, lines, source="agents.py:stopped", strict=False):
    """The result of one contract about ``source`` with these lines."""
    head = '[[contract]]\nname = "it"\nsource = "%s"\nspec = ["float32[?,4]"]\n' % source
    (project / "graphcut.toml").write_text(head + lines + "\n", encoding="utf-8")
    (result,) = graphcut.check(strict=strict).contracts
    return result


@pytest.mark.parametrize(
    "source, lines",
    [
        ("stopped", 'must_reach = ["head/*"]\nmust_not_reach = ["encoder/*"]\nstops = ["*StopGradient*"]\nonly = ["head/w"]'),
        ("stopped", 'must_not_reach = ["encoder"]'),
        ("stopped", 'must_reach = ["frozen/*"]'),
        ("whole", 'must_reach = ["encoder/*"]\navoiding = ["*StopGradient*"]'),
        ("whole", 'must_reach = ["encoder/w", "head/w"]\nno_unused = true'),
        ("whole", 'must_not_reach = ["encoder/w"]\nallow = [{ variable = "encoder/*", reason = "until May" }]'),
        ("step", 'gradient = 1\nonly = ["head/w"]'),
        ("step", 'gradient = "value"\nmust_not_reach = ["encoder/*"]'),
        ("step", 'must_reach = ["encoder/*"]'),
        ("step", 'gradient = 0\nupdated = ["head/w"]'),
    ],
)
def test_what_is_true_is_kept(project, source, lines):
    result = checked(project, lines, "agents.py:" + source)
    assert (result.status, result.findings) == (Status.KEPT, ())


BUILDERS = """
import tensorflow as tf

v1 = tf.compat.v1


def loss():
    x = v1.placeholder(tf.float32, [None, 4])
    w, v = v1.get_variable("w", [4, 3]), v1.get_variable("v", [3, 1])
    return tf.reduce_mean(tf.matmul(x, tf.stop_gradient(w)) @ v)


def train():
    return v1.train.GradientDescentOptimizer(0.1).minimize(loss())


def train_without_result():
    train()
"""


def test_functions_that_build_graphs_are_sources(tmp_path, monkeypatch):
    (tmp_path / "builders.py").write_text(BUILDERS, encoding="utf-8")
    lines = '[[contract]]\nname = "%s"\nsource = "builders.py:%s"\nonly = ["v"]\n%s\n'
    contracts = [("loss", "loss", ""), *((name, name, 'updated = ["v"]') for name in ("train", "train_without_result"))]
    (tmp_path / "graphcut.toml").write_text("".join(lines % each for each in contracts), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with tf.Graph().as_default() as graph:
        report = graphcut.check()
    sys.modules.pop("builders", None)
    assert report.exit_code == 0, str(report)
    assert graph.get_operations() == []


@pytest.mark.parametrize("source", ["loss", "step"])
def test_a_function_without_arguments_is_a_source(project, source):
    (project / "alone.py").write_text(ALONE, encoding="utf-8")
    lines = '[[contract]]\nname = "it"\nsource = "alone.py:%s"\nonly = ["w"]\n' % source
    (project / "graphcut.toml").write_text(lines, encoding="utf-8")
    assert graphcut.check().exit_code == 0


ALONE = """
import tensorflow as tf

w, v = tf.Variable(2.0, name="w"), tf.Variable(3.0, name="v")


def loss():
    return w * tf.stop_gradient(v)


def step():
    with tf.GradientTape() as tape:
        value = loss()
    (gradient, _) = tape.gradient(value, [w, v])
    w.assign_sub(gradient)
"""


@pytest.mark.parametrize(
    "source, lines, found",
    [
        ("stopped", 'must_reach = ["encoder/*"]', [("must_reach", "encoder/w", "none")]),
        ("stopped", 'must_reach = ["encodr"]', [("must_reach", "encodr", None)]),
        ("whole", 'must_not_reach = ["encoder/*"]', [("must_not_reach", "encoder/w", "flows")]),
        ("whole", 'only = ["head/w"]', [("only", "encoder/w", "flows")]),
        ("stopped", 'only = ["*/w"]', [("only", "encoder/w", "none")]),
        ("whole", 'must_reach = ["encoder/w"]\nthrough = ["*StopGradient*"]', [("through", "encoder/w", "flows")]),
        ("whole", 'stops = ["*StopGradient*"]', [("stops", None, None)]),
        ("stopped", 'must_reach = ["head/w"]\nallow = [{ variable = "head/w", reason = "?" }]', [("allow", "head/w", None)]),
        ("step", "gradient = 1\nno_unused = true", [("no_unused", "spare/w", "none")]),
        ("step", 'gradient = 0\nupdated = ["encoder/w"]', [("updated", "encoder/w", "flows")]),
        ("step", 'gradient = 1\nmust_not_reach = ["head/w"]', [("must_not_reach", "head/w", "flows")]),
    ],
)
def test_what_is_false_is_broken(project, source, lines, found):
    result = checked(project, lines, "agents.py:" + source)
    assert result.status is Status.BROKEN
    assert [(each.rule, each.variable, each.verdict) for each in result.findings] == found


def test_a_broken_contract_shows_the_cut_and_its_line(project):
    (finding,) = checked(project, 'must_reach = ["encoder/*"]').findings
    assert "stop-gradient" in finding.message and "tf.stop_gradient(tf.matmul(x, encoder))" in finding.message
    line = AGENTS[: AGENTS.index("tf.stop_gradient")].count("\n") + 1
    assert finding.where.endswith("agents.py:%d" % line) and finding.cut[0].kind is graphcut.BarrierKind.STOP_GRADIENT


def test_a_path_that_should_not_be_is_shown(project):
    (finding,) = checked(project, 'must_not_reach = ["encoder/*"]', "agents.py:whole").findings
    assert len(finding.path) > 2 and len(finding.places) == len(finding.path)


@pytest.mark.parametrize(
    "source, message",
    [
        ("agents.py:stoped", "did you mean 'stopped'"),
        ("missing.py:loss", "no file"),
        ("agents.py:broken", "no data"),
    ],
)
def test_a_source_that_fails_is_invalid(project, source, message):
    result = checked(project, 'must_reach = ["w"]', source)
    assert result.status is Status.INVALID and message in result.findings[0].message


def test_a_gradient_that_is_not_there_is_invalid(project):
    result = checked(project, 'must_reach = ["w"]\ngradient = "polcy"', "agents.py:step")
    assert result.status is Status.INVALID and "did you mean 'policy'" in result.findings[0].message


def test_a_keras_file_is_built_by_the_installed_tensorflow(project):
    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(2, name="head")])
    try:
        model.save("model.keras")
    except (ImportError, ValueError) as error:
        pytest.skip("this Keras writes no such file: %s" % error)
    text = '[[contract]]\nname = "%s"\nsource = "model.keras"\nmust_reach = ["%s"]\n'
    (project / "graphcut.toml").write_text(text % ("a", "*head*kernel*") + text % ("b", "*head*krenel*"), encoding="utf-8")
    assert [each.status for each in graphcut.check().contracts] == [Status.KEPT, Status.BROKEN]


def test_a_missing_spec_is_told_as_a_key(project):
    (project / "graphcut.toml").write_text(
        '[[contract]]\nname = "a"\nsource = "agents.py:whole"\nonly = "w"\n', encoding="utf-8"
    )
    (finding,) = graphcut.check().contracts[0].findings
    assert 'such as spec = ["float32[32,10]"]' in finding.message and "--spec" not in finding.message


@pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8")
def test_one_line_that_blocks_all_is_named(project):
    findings = checked(project, 'must_not_reach = ["encoder/*", "spare/*"]', "agents.py:plain").findings
    code = ": hidden = tf.stop_gradient(tf.matmul(x, encoder) * spare)"
    assert len(findings) == 2 and {"To block all 2 at agents.py:" in each.message for each in findings} == {True}
    assert {each.message.endswith(code) for each in findings} == {True}


def test_a_loss_that_the_step_does_not_have_is_invalid(project):
    result = checked(project, 'loss = "polcy"\nmust_reach = ["head/*"]', "agents.py:step")
    message = result.findings[0].message
    assert result.status is Status.INVALID and "did you mean 'policy'" in message and "gradients of: policy, value" in message


def test_a_pattern_without_a_match_is_told_with_the_contract_s_line(project):
    (finding,) = checked(project, 'must_reach = ["encodr/w"]').findings
    assert finding.where.endswith("graphcut.toml:1") and "did you mean 'encoder/w'" in finding.message


def test_a_module_is_executed_once_and_a_source_traced_once(project):
    contract = '[[contract]]\nname = "%d"\nsource = "agents.py:%s"\nspec = ["float32[?,4]"]\n%s\n'
    lines = [
        ("stopped", 'must_reach = ["head/*"]'),
        ("stopped", 'must_not_reach = ["encoder/*"]'),
        ("stopped", 'must_reach = ["frozen/*"]'),  # not trainable: found among all variables
        ("several", 'loss = "policy"\nmust_reach = ["encoder/*"]'),
        ("several", 'loss = "value"\nmust_not_reach = ["encoder/*"]'),
        ("step", "gradient = 0\nmust_reach = ['encoder/*']"),
        ("step", "gradient = 1\nmust_not_reach = ['encoder/*']"),
    ]
    text = "\n".join(contract % (number, *each) for number, each in enumerate(lines))
    (project / "graphcut.toml").write_text(text, encoding="utf-8")
    said = []
    report = graphcut.check(progress=said.append)
    agents = sys.modules["agents"]
    assert report.exit_code == 0, str(report)
    assert agents.COUNT == [1]
    # "several" calls "stopped"; a source that takes no gradient is traced a second time, as a loss.
    assert [agents.TRACES.count(name) for name in ("stopped", "several", "step")] == [2 + 2 + 1, 2, 1]
    assert said == ["checking %d of 7: %d" % (number + 1, number) for number in range(7)]


def test_json_names_the_files_of_the_project_without_the_folder_that_it_lies_in(project):
    checked(project, 'must_reach = ["encoder/*"]')
    assert str(project) not in graphcut.check().to_json()


def test_an_exit_in_a_traced_function_is_shown_in_the_users_file(project):
    (project / "leaves.py").write_text("import sys\n\n\ndef loss(x):\n    y = x * 2\n    sys.exit(3)\n", encoding="utf-8")
    (finding,) = checked(project, 'must_reach = ["w"]', "leaves.py:loss").findings
    assert "the audited function ended the program: sys.exit(3)\nraised at leaves.py:6\n" in finding.message
    assert "__main__" not in finding.message


def test_an_exit_while_a_module_is_imported_is_shown_with_the_guard(project):
    (project / "starts.py").write_text("import sys\n\n\ndef main():\n    sys.exit(3)\n\n\nmain()\n", encoding="utf-8")
    (finding,) = checked(project, 'must_reach = ["w"]', "starts.py:loss").findings
    assert "raised at starts.py:5" in finding.message and "__main__" in finding.message


REORDERED = """
import tensorflow as tf

actor, critic = tf.Variable([1.0], name="actor"), tf.Variable([1.0], name="critic")


def step(x):
    with tf.GradientTape(persistent=True) as tape:
        losses = tf.reduce_sum(x * critic), tf.reduce_sum(x * actor)
    for loss, variable in zip(losses, (critic, actor)):
        variable.assign_sub(tape.gradient(loss, variable))
"""


@pytest.mark.parametrize("gradient, part", [
    ("0", "\nGradient 1 (reorder.py:11 (2)) asks for actor."),
    ('"policy_loss"', "\nIt takes: 0 (reorder.py:11, of critic), 1 (reorder.py:11 (2), of actor)."),
])  # fmt: skip
def test_a_gradient_that_asks_for_other_variables_now_is_named(project, gradient, part):
    (project / "reorder.py").write_text(REORDERED, encoding="utf-8")
    (finding,) = checked(project, 'gradient = %s\nmust_reach = ["actor"]' % gradient, "reorder.py:step").findings
    assert part in finding.message


@pytest.mark.parametrize(
    "lines, notes",
    [
        ('must_not_reach = ["frozen/*"]', ()),
        ('must_not_reach = ["spare"]', ("must_not_reach: 'spare' matches no variable that a gradient was asked for",)),
    ],
)
def test_a_variable_that_no_gradient_was_asked_for_is_noted_unless_it_is_frozen(project, lines, notes):
    result = checked(project, 'gradient = 0\nonly = ["head/w", "encoder/w"]\n' + lines, "agents.py:step")
    assert (result.status, result.notes) == (Status.KEPT, notes)


@pytest.mark.parametrize("source", ["step", "whole"])
@pytest.mark.parametrize("pattern, near", [("crtic", ""), ("encodr/*", "did you mean 'encoder/*'"), ("w", "")])
def test_a_pattern_that_matches_no_variable_of_the_program_protects_nothing(project, source, pattern, near):
    lines = 'must_not_reach = ["%s"]' % pattern
    result = checked(project, lines, "agents.py:" + source)
    assert result.status is Status.KEPT and len(result.notes) == 1
    (finding,) = checked(project, lines, "agents.py:" + source, strict=True).findings
    assert (finding.rule, finding.variable, finding.verdict) == ("must_not_reach", pattern, None)
    for said in (finding.message, result.notes[0]):
        assert "'%s' matches no variable" % pattern in said and near in said


def test_a_variable_of_the_program_that_the_loss_does_not_read_is_kept_with_a_note(project):
    result = checked(project, 'must_not_reach = ["spare/*"]', "agents.py:whole")
    assert result.status is Status.KEPT
    assert result.notes == ("must_not_reach: 'spare/*' matches no variable that this loss depends on",)


def test_a_scope_of_ops_is_answered_with_the_variables_that_they_read(project):
    (project / "scoped.py").write_text(SCOPED, encoding="utf-8")
    (finding,) = checked(project, 'must_not_reach = ["critic"]', "scoped.py:loss", strict=True).findings
    assert finding.message == "'critic' matches no variable\nOps in the scope 'critic' read value/kernel: name these."


SCOPED = """
import tensorflow as tf

value = tf.Variable(tf.ones([4, 1]), name="value/kernel")


def loss(x):
    with tf.name_scope("critic"):
        return tf.reduce_sum(tf.matmul(x, value))
"""


def test_a_step_with_variables_that_match_nothing_is_invalid(project):
    result = checked(project, 'variables = ["haed"]\nmust_not_reach = ["head"]', "agents.py:step")
    assert result.status is Status.INVALID and "variables: 'haed' matches no variable" in result.findings[0].message


def test_a_misspelt_only_is_the_one_finding(project):
    (finding,) = checked(project, 'only = ["haed/*", "encoder"]', "agents.py:whole").findings
    assert finding.variable == "haed/*" and "did you mean 'head/*'" in finding.message


def test_a_scope_inside_another_one_is_a_pattern(project):
    (project / "inner.py").write_text(SCOPED.replace("value/kernel", "critic/value/kernel"), encoding="utf-8")
    assert checked(project, 'must_reach = ["value"]', "inner.py:loss").status is Status.KEPT


FROZEN = """
import tensorflow as tf

layers = tf.keras.layers
backbone = tf.keras.Sequential([tf.keras.Input((4,)), layers.Dense(3, name="inner")], name="backbone")
backbone.trainable = False
inputs = tf.keras.Input((4,))
model = tf.keras.Model(inputs, layers.Dense(1, name="head")(backbone(inputs)))
model.compile("sgd", "mse")
"""


@pytest.fixture
def frozen(project):
    """The source of a compiled model whose backbone is frozen."""
    if not hasattr(tf.keras.Model, "train_step"):
        pytest.skip("this Keras has no train_step")
    (project / "frozen.py").write_text(FROZEN, encoding="utf-8")
    yield "frozen.py:model"
    sys.modules.pop("frozen", None)


def test_the_first_file_for_a_model_holds_its_frozen_layers_fast(project, frozen):
    spec = ("float32[?,4]", "float32[?,1]")
    text = first_contracts([frozen], spec)
    (project / "graphcut.toml").write_text(text, encoding="utf-8")
    assert "must_not_reach = " in text and graphcut.check().exit_code == 0
    sys.modules.pop("frozen", None)
    (project / "frozen.py").write_text(FROZEN.replace("False", "True"), encoding="utf-8")
    (result,) = graphcut.check().contracts
    assert {(each.rule, each.variable.rpartition("inner/")[2]) for each in result.findings} == {
        ("must_not_reach", "kernel"),
        ("must_not_reach", "bias"),
    }


def test_the_first_file_for_a_step_with_several_gradients_notices_a_wider_call(project):
    (project / "wide.py").write_text(REORDERED, encoding="utf-8")
    (project / "graphcut.toml").write_text(first_contracts(["wide.py:step"], ["float32[1]"]), encoding="utf-8")
    assert graphcut.check().exit_code == 0
    wider = REORDERED.replace("x * critic)", "x * critic * actor)").replace("variable))", "[critic, actor])[0])")
    (project / "wide.py").write_text(wider, encoding="utf-8")
    sys.modules.pop("wide", None)
    findings = graphcut.check().contracts[0].findings
    assert [(each.rule, each.variable) for each in findings] == [("only", "actor")]


def test_a_frozen_layer_is_blocked_for_contracts_and_assertions_alike(project, frozen):
    text = '[[contract]]\nname = "it"\nsource = "%s"\nspec = ["float32[?,4]", "float32[?,1]"]\nmust_not_reach = ["*inner/*"]\n'
    (project / "graphcut.toml").write_text(text % frozen, encoding="utf-8")
    (result,) = graphcut.check().contracts
    assert (result.status, result.notes) == (Status.KEPT, ())
    model = sys.modules["frozen"].model
    (audit,) = graphcut.audit_step(model, tf.TensorSpec([None, 4]), tf.TensorSpec([None, 1]))
    testing.assert_blocked(audit, "*inner/*")
    testing.assert_blocked(audit, sys.modules["frozen"].backbone, "inner")
    with pytest.raises(graphcut.GraphcutError, match="no?t? among the audited variables"):
        testing.assert_blocked(audit, "*innr/*")
    with pytest.raises(AssertionError, match="must receive no gradient"):
        testing.assert_blocked(audit, "*inner/*", "head")


MOVED = """
import tensorflow as tf

encoder = tf.Variable(tf.ones([4, 3]), name="encoder")
actor = tf.Variable(tf.ones([3, 2]), name="actor")
critic = tf.Variable(tf.ones([3, 1]), name="critic/kernel")
bias = tf.Variable([0.0], name="critic/bias")


def loss(x):
    features = tf.matmul(x, encoder)
    values = tf.reduce_sum(tf.matmul(features, critic) + bias, -1)
    advantage = tf.stop_gradient(x[:, 0]) - values
    return tf.reduce_mean(tf.reduce_sum(tf.matmul(features, actor), -1) * advantage)
"""


def test_a_stop_that_another_rule_needs_is_kept(project):
    text = MOVED.replace("tf.stop_gradient(x[:, 0]) - values", "tf.stop_gradient(x[:, 0] - values)")
    text = text.replace(
        "tf.reduce_sum(tf.matmul(features, actor), -1)", "tf.round(tf.reduce_sum(tf.matmul(features, actor), -1))"
    )
    (project / "rounded.py").write_text(text, encoding="utf-8")
    (finding,) = checked(project, 'must_reach = ["encoder"]\nmust_not_reach = ["critic"]', "rounded.py:loss").findings
    assert finding.where == "rounded.py:14" and finding.cut[0].kind is graphcut.BarrierKind.STOP_GRADIENT
    said = "\nWhat to do: keep the stop at rounded.py:13: without it critic/kernel, critic/bias would get a gradient"
    assert said in finding.message and "remove this tf.stop_gradient" not in finding.message


def test_a_stop_that_is_needed_and_in_the_way_is_to_be_moved(project):
    text = MOVED.replace("tf.stop_gradient(x[:, 0]) - values", "tf.stop_gradient(x[:, 0] - values)")
    text = text.replace("tf.reduce_sum(tf.matmul(features, actor), -1)", "1.0").replace(
        "x, encoder)", "tf.round(tf.matmul(x, encoder)), tf.eye(3))"
    )
    (project / "behind.py").write_text(text, encoding="utf-8")
    (finding,) = checked(project, 'must_reach = ["encoder"]\nmust_not_reach = ["critic"]', "behind.py:loss").findings
    assert "move the stop at behind.py:13 so that it stops only critic/kernel, critic/bias" in finding.message
    assert "remove this tf.stop_gradient" not in finding.message


OTHER_HEAD = """
import tensorflow as tf

encoder = tf.Variable(tf.ones([4, 3]), name="encoder")
head = tf.Variable(tf.ones([3, 1]), name="head")


def step(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.matmul(tf.stop_gradient(tf.matmul(x, encoder)), head))
    return tape.gradient(loss, [head])
"""


def test_a_stop_of_what_no_gradient_is_asked_for_cuts(project):
    (project / "probe.py").write_text(OTHER_HEAD, encoding="utf-8")
    assert checked(project, 'stops = ["*StopGradient*"]\ngradient = 0', "probe.py:step").status is Status.KEPT


def test_a_stop_that_lets_what_is_demanded_through_is_advised(project):
    (project / "moved.py").write_text(MOVED, encoding="utf-8")
    findings = checked(project, 'must_reach = ["encoder", "actor"]\nmust_not_reach = ["critic"]', "moved.py:loss").findings
    advised = ["To block all 2 at moved.py:13: advantage = tf.stop_gradient(" in each.message for each in findings]
    assert advised == [True, True]
    (project / "moved.py").write_text(MOVED.replace("- values", "- tf.stop_gradient(values)"), encoding="utf-8")
    sys.modules.pop("moved", None)
    assert checked(project, 'must_reach = ["encoder", "actor"]\nmust_not_reach = ["critic"]', "moved.py:loss").findings == ()


FORGOTTEN = """
import tensorflow as tf

head = [tf.Variable([[1.0]], name="head/first"), tf.Variable([[2.0]], name="head/second")]
body = tf.Variable([[1.0]], name="body/kernel")


def step(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(x[:, :1] @ body @ head[0] @ head[1])
    sources = head[1:] + [body]
    gradients = tape.gradient(loss, sources)
    for source, gradient in zip(sources, gradients):
        source.assign_sub(0.1 * gradient)
    return gradients
"""


@pytest.mark.parametrize(
    "lines, rules",
    [
        ('must_reach = ["head"]', ["must_reach"]),
        ('must_reach = ["head/*"]\nvariables = ["*"]', ["must_reach"]),
        ('must_reach = ["head/first"]', ["must_reach"]),
        ('only = ["head/*", "body/*"]', ["only"]),
        ('updated = ["head"]', ["updated"]),
        ("no_unused = true", ["no_unused"]),
        ('must_reach = ["head"]\nvariables = ["head/second"]', []),
        ('must_reach = ["body/*"]\nmust_not_reach = ["head/first"]', []),
    ],
)
def test_a_variable_that_the_gradient_forgot_is_a_match(project, lines, rules):
    (project / "training.py").write_text(FORGOTTEN, encoding="utf-8")
    try:
        result = checked(project, lines, "training.py:step")
    finally:
        sys.modules.pop("training", None)
    found = [(each.rule, each.variable, each.verdict, each.where.rpartition("/")[2]) for each in result.findings]
    assert found == [(rule, "head/first", None, "training.py:12") for rule in rules]
    assert all("no gradient was asked for it" in each.message for each in result.findings)


def test_a_file_of_a_package_imports_the_package(project):
    package = project / "package"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "nets.py").write_text(AGENTS, encoding="utf-8")
    (package / "losses.py").write_text("from package.nets import stopped\n", encoding="utf-8")
    try:
        assert checked(project, 'must_not_reach = ["encoder"]', "package/losses.py:stopped").status is Status.KEPT
    finally:
        for name in ("package", "package.nets", "losses"):
            sys.modules.pop(name, None)


def test_assertions_know_what_the_gradient_forgot(project):
    names = {}
    exec(compile(FORGOTTEN, "training.py", "exec"), names)
    (audit,) = graphcut.audit_step(names["step"], tf.TensorSpec([None, 1]))
    for ask in (testing.assert_reaches, testing.assert_only_trains):
        for key in ("head", "head/first", ["body", "head/*"]):
            with pytest.raises(AssertionError, match="head/first must receive a gradient:\nhead/first was forgotten"):
                ask(audit, key)
    testing.assert_only_trains(audit, ["body", "head/second"])
    testing.assert_only_trains(audit, "body", "head/second")
    with pytest.raises(AssertionError, match="only body/kernel may receive a gradient, and head/second receives one"):
        testing.assert_only_trains(audit, "body/kernel")


RAISES = """
import tensorflow as tf

w, v = tf.Variable([2.0, 1.0], name="w"), tf.Variable(3.0, name="v")
optimizer = tf.keras.optimizers.SGD(0.1)


def train(loss, tape, variables):
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))


@tf.function
def step(x):
    with tf.GradientTape() as tape:
        loss = tf.cast(tf.argmax(x * w), tf.float32) * tf.stop_gradient(v)
    train(loss, tape, [w])
    with tf.GradientTape() as tape:
        other = v * v
    train(other, tape, [v])
"""


def test_a_step_that_raises_after_a_missing_gradient_breaks_what_it_never_reaches(project):
    (project / "agents.py").write_text(RAISES, encoding="utf-8")
    head = '[[contract]]\nname = "%s"\nsource = "agents.py:step"\nspec = ["float32[2]"]\n%s\n'
    rules = ('gradient = 1\nonly = ["v"]', "no_unused = true", 'updated = ["v"]', 'gradient = 0\nmust_reach = ["w"]')
    (project / "graphcut.toml").write_text("".join(head % each for each in enumerate(rules)), encoding="utf-8")
    report = graphcut.check()
    messages = [result.findings[0].message for result in report.contracts]
    assert report.exit_code == 1 and [result.status for result in report.contracts] == [Status.BROKEN] * 4
    assert all("raises ValueError" in each and "agents.py:9" in each for each in messages)
    assert not any("skips it" in each or "assign to it" in each for each in messages)


UNFROZEN = """
import tensorflow as tf

layers = tf.keras.layers
inner = tf.keras.Sequential([layers.Dense(3, name="low"), layers.Dense(3, name="high")], name="encoder")
inputs = tf.keras.Input((4,))
model = tf.keras.Model(inputs, layers.Dense(1, name="head")(inner(inputs)))
inner.layers[0].trainable = False
model.compile("sgd", "mse")
"""


@pytest.mark.parametrize("layer", ["encoder", "high"])
def test_a_layer_to_freeze_is_named_and_freezing_it_keeps_the_contract(project, layer):
    code = UNFROZEN if layer == "encoder" else UNFROZEN.replace("inner.layers[0].trainable = False", "")
    (project / "agents.py").write_text(code, encoding="utf-8")
    key = "*low/*" if layer == "encoder" else ""
    patterns = '"*high/*", "%s"' % key if key else '"*high/*"'
    lines = 'spec = ["float32[2,4]", "float32[2,1]"]\nmust_not_reach = [%s]' % patterns
    head = '[[contract]]\nname = "it"\nsource = "agents.py:model"\n'
    (project / "graphcut.toml").write_text(head + lines, encoding="utf-8")
    finding = graphcut.check().contracts[0].findings[0]
    assert "To block all 2: set trainable = False on the layer '%s' before compile()" % layer in finding.message
    frozen = code.replace(
        "model.compile",
        "[each for each in (inner, inner.layers[1]) if each.name == %r][0].trainable = False\nmodel.compile" % layer,
    )
    (project / "agents.py").write_text(frozen, encoding="utf-8")
    sys.modules.pop("agents", None)
    assert graphcut.check().exit_code == 0


WIDE = """
import tensorflow as tf

actor, critic = tf.Variable(tf.ones([4, 2]), name="actor"), tf.Variable(tf.ones([4, 1]), name="critic")


def step(x, actions, returns):
    with tf.GradientTape() as tape:
        advantage = tf.stop_gradient(returns - tf.squeeze(x @ critic, -1))
        chosen = tf.reduce_sum(tf.nn.log_softmax(x @ actor) * tf.one_hot(actions, 2), -1)
        policy = -tf.reduce_mean(chosen * advantage)
    a, b = tape.gradient(policy, [actor, critic])
    actor.assign_sub(a)
"""


def test_a_variable_behind_a_stop_that_is_meant_is_to_be_taken_out_of_the_call(project):
    (project / "agents.py").write_text(WIDE, encoding="utf-8")
    spec = 'spec = ["float32[5,4]", "int32[5]", "float32[5]"]\n'
    head = '[[contract]]\nname = "it"\nsource = "agents.py:step"\ngradient = 0\nmust_reach = ["*"]\n'
    (project / "graphcut.toml").write_text(head + spec, encoding="utf-8")
    (finding,) = graphcut.check().contracts[0].findings
    assert "keep the stop, and take the variable out of the gradient call at agents.py:12" in finding.message
    assert "nothing here" not in finding.message
    mended = WIDE.replace("a, b = tape.gradient(policy, [actor, critic])", "(a,) = tape.gradient(policy, [actor])")
    (project / "agents.py").write_text(mended, encoding="utf-8")
    sys.modules.pop("agents", None)
    assert graphcut.check().exit_code == 0


NETWORKS = """
import tensorflow as tf

free = tf.Variable(tf.ones([4, 2]), name="free")


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.low = tf.Variable(tf.ones([4, 2]), name="low")
        self.high = tf.Variable(tf.ones([2, 2]), name="high")
        self.never = tf.Variable(tf.ones([2, 2]), name="never")
        self.count = tf.Variable(0.0, trainable=False, name="count")

    def step(self, x):
        self.count.assign_add(1.0)
        with tf.GradientTape(persistent=True) as tape:
            first = tf.reduce_sum(x @ self.low)
            second = tf.reduce_sum(x @ self.low @ self.high) + tf.reduce_sum(tf.stop_gradient(self.never))
        return tape.gradient(first, [self.low, self.never]), tape.gradient(second, [self.high, self.never])

    def part(self, x):
        with tf.GradientTape() as tape:
            first = tf.reduce_sum(x @ self.low)
        return tape.gradient(first, [self.low])


net = Net()
step, part = net.step, net.part
"""


@pytest.mark.parametrize(
    "source, lines, names",
    [
        ("step", "", []),  # the second loss reads it, behind a stop
        ("part", "", []),  # what a step neither reads nor asks for may be trained by another one
    ],
)
def test_no_unused_sees_the_whole_step(project, source, lines, names):
    (project / "networks.py").write_text(NETWORKS, encoding="utf-8")
    try:
        result = checked(project, lines + "\nno_unused = true", "networks.py:" + source)
    finally:
        sys.modules.pop("networks", None)
    assert sorted(each.variable for each in result.findings) == names


NAMED = """
import tensorflow as tf

side = tf.keras.Sequential([tf.keras.layers.Dense(3, name="hidden")], name="side")
side.build((None, 4))
odd = tf.Module()
odd.by_object = {side: 1, tf.Module(): 2}  # TensorFlow cannot sort these keys
w = tf.Variable(tf.ones([4, 2]), name="w")


def step(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(x @ w)
    (gradient,) = tape.gradient(loss, [w])
    raise ValueError("no optimizer")
"""


@pytest.mark.parametrize(
    "lines, words",
    [
        ('must_reach = ["sied/*"]', "'sied/*' matches no variable"),
        ('must_reach = ["odd/*"]', "'odd/*' matches no variable"),
        ('updated = ["w"]', "before it is known what updates it: mend that first"),
    ],
)
def test_a_finding_says_what_is_meant_and_what_fails(project, lines, words):
    (project / "agents.py").write_text(NAMED, encoding="utf-8")
    (finding,) = checked(project, lines, "agents.py:step").findings
    assert words in finding.message


def test_the_variables_of_a_model_whose_name_is_no_scope_are_named(project):
    from graphcut.api.known_variables import variables_of_network

    (project / "agents.py").write_text(NAMED, encoding="utf-8")
    program = {}
    exec(compile(NAMED, str(project / "agents.py"), "exec"), program)
    names = variables_of_network(program["step"], "side")
    assert len(names) == 2 and all(each.endswith(("hidden/kernel", "hidden/bias")) for each in names)
    assert variables_of_network(program["step"], "sied") == ()
