from __future__ import annotations

import sys

import pytest

from graphcut.api.import_source import load_source
from graphcut.api.tensor_spec import Spec
from graphcut.errors import GraphcutError

pytestmark = pytest.mark.beside_tensorflow

MODULE = """
from dataclasses import dataclass

@dataclass
class Traceable:
    name: str
    def get_concrete_function(self): pass
    def __call__(self): pass

class Inner:
    function = Traceable("inner")

    def method(self, x): return x

    @staticmethod
    def static(x): return x

inner = Inner()

decorated = Traceable("decorated")

def plain(x, y): return x

def build(): return decorated

def pair(): return decorated, 1, 2

def nested(): return plain, (1, 2)

def one(x): return x

def single(): return one, (1, 2)

def number(): return 3

class Tensor:
    dtype, shape = "float32", ()

def loss(): return Tensor()

def losses(): return {"total": Tensor()}

def step(): pass

def defaults(x=1): return decorated


class Sequential:
    train_step, inputs = None, None

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def __call__(self, inputs):
        pass


def compiled():
    return Sequential("sgd"), (1, 2)


def uncompiled():
    return Sequential(None), (1, 2)


def alone():
    return Sequential("sgd"), (1,)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "a_module.py").write_text(MODULE, encoding="utf-8")
    yield "a_module"
    sys.modules.pop("a_module", None)


def test_a_path_is_left_alone():
    assert load_source("some/model.meta") == ("some/model.meta", ())


def test_a_windows_drive_is_no_module():
    assert load_source(r"C:\models\graph.pb") == (r"C:\models\graph.pb", ())


def test_a_file_that_exists_is_a_file_whatever_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd:name").write_bytes(b"")
    assert load_source("odd:name") == ("odd:name", ())


@pytest.mark.parametrize("form", ["{}:decorated", "{}.py:decorated", "./{}.py:decorated"])
def test_a_module_is_named_or_its_path_given(module, form):
    assert load_source(form.format(module))[0].name == "decorated"


def test_an_attribute_of_an_attribute(module):
    assert load_source(module + ":Inner.function")[0].name == "inner"


@pytest.mark.parametrize("name", ["inner.method", "Inner.static"])
def test_a_method_of_an_instance_and_a_static_method_are_functions(module, name):
    assert callable(load_source(f"{module}:{name}", [Spec("float32", (1,))])[0])


def test_specs_are_the_arguments(module):
    specs = (Spec("float32", ()), Spec("int32", (None,)))
    assert load_source(module + ":plain", specs)[1] == specs


@pytest.mark.parametrize("name", ["build", "defaults"])
def test_a_function_without_arguments_is_called_for_what_to_trace(module, name):
    assert load_source(f"{module}:{name}")[0].name == "decorated"


@pytest.mark.parametrize("name", ["loss", "losses", "step"])
def test_a_function_that_returns_tensors_or_nothing_is_itself_traced(module, name):
    thing, arguments = load_source(f"{module}:{name}")
    assert (thing.__name__, arguments) == (name, ())


def test_a_tuple_is_a_function_and_its_arguments(module):
    thing, arguments = load_source(module + ":pair")
    assert (thing.name, arguments) == ("decorated", (1, 2))


@pytest.mark.parametrize(
    "name, arguments",
    [("nested", (1, 2)), ("single", ((1, 2),)), ("compiled", (1, 2)), ("uncompiled", ((1, 2),)), ("alone", (1,))],
)
def test_a_tuple_of_arguments_is_unpacked_where_the_function_takes_several(module, name, arguments):
    assert load_source(f"{module}:{name}")[1] == arguments


@pytest.mark.parametrize(
    "source, said",
    [
        ("a_module:decoratd", "no 'decoratd' in 'a_module'; did you mean 'decorated'?"),
        ("a_module:plain", "takes 2 arguments (x, y)\ngive a --spec for each"),
        ("a_module:Inner", "is a class, and only an instance can be traced\nname an instance"),
        ("a_module:Inner.method", "is a method, and names no instance\nname an instance, such as inner.method, or a function"),
        ("a_module:number", "returned a value of type int, which cannot be traced\nreturn a tf.Graph"),
        ("a_module.py", "names no function\nsay which: a_module.py:alone, a_module.py:uncompiled, a_module.py:compiled"),
        (
            "no_such.py",
            "names no function\nsay which: no_such.py:function\nor audit each gradient that the script takes: graphcut run",
        ),
        ("no_such_module:f", "no module 'no_such_module' to import"),
        ("no_such.py:f", "no file 'no_such.py'"),
        ("no_such", "no file 'no_such'\nA function is named with its file or module: path.py:no_such, package.module:no_such"),
        ("a_modul.py:f", "no file 'a_modul.py'; did you mean 'a_module.py'?"),
    ],
)
def test_what_cannot_be_is_said_in_at_most_three_lines(module, source, said):
    with pytest.raises(GraphcutError) as raised:
        load_source(source)
    assert said in str(raised.value) and len(str(raised.value).splitlines()) <= 3


@pytest.mark.parametrize(
    "number, said",
    [(1, "1 spec was given: missing a required argument: 'y'"), (3, "3 specs were given: too many positional arguments")],
)
def test_specs_that_are_too_many_or_too_few_are_counted(module, number, said):
    with pytest.raises(GraphcutError) as raised:
        load_source(module + ":plain", (Spec("float32", ()),) * number)
    text = str(raised.value)
    assert "takes 2 arguments (x, y), but " + said in text and len(text.splitlines()) == 2


def test_a_wrapper_may_take_other_arguments_than_what_it_wraps(module, tmp_path):
    text = "from functools import wraps\ndef f(s, x): return x\n@wraps(f)\ndef g(*args): return f(1, *args)\n"
    (tmp_path / "wrapping.py").write_text(text, encoding="utf-8")
    assert len(load_source("wrapping.py:g", (Spec("float32", ()),))[1]) == 1


def test_a_spec_for_a_file_is_an_error():
    with pytest.raises(GraphcutError, match="only functions take a spec"):
        load_source("model.meta", (Spec("float32", ()),))


def test_what_a_module_fails_to_import_is_its_own_error(module, tmp_path):
    (tmp_path / "a_module.py").write_text("import not_there", encoding="utf-8")
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        load_source(module + ":f")
