"""Resolve SOURCE on the command line: a path, or a Python function, which is imported and, if necessary, called."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import re
import sys
from types import ModuleType
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from graphcut.api.tensor_spec import Spec
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.formats.raw_bytes import near_files

_SHOWN = 6
_PYTHON = re.compile(r"(?P<module>.+):(?P<name>[^\W\d]\w*(\.[^\W\d]\w*)*)")


def load_source(
    source: str, specs: Sequence[Spec] = (), modules: Optional[Dict[str, ModuleType]] = None
) -> Tuple[Any, Sequence[Any]]:
    """Return the object to trace, and its arguments.

    A function without arguments is called, and its result is traced. If it returns tensors, an op or nothing, it is a loss or
    a step, so the function itself is traced; in TensorFlow 1, the graph of such a loss is traced. A step that raises after it
    took a gradient is traced, too.

    Args:
        source: a path, ``package.module:name`` or ``path.py:name``.
        specs: the arguments of a function.
        modules: the modules of files that must not be executed again, by path; newly imported modules are added.

    Raises:
        GraphcutError: the source does not exist, or a function without arguments returned a value that cannot be traced.
    """
    modules = {} if modules is None else modules
    match = None if os.path.exists(source) else _PYTHON.fullmatch(source)
    if match:
        module = _import_module(match.group("module"), modules)
        thing = _attribute(module, match.group("name"))
        _refuse_class(source, module, match.group("name"), thing)
        return _traceable(source, thing, specs)
    if source.endswith(".py"):
        functions = _functions_in(source)[:_SHOWN] or ["function"]
        names = ", ".join(printable(f"{source}:{each}")[1:-1] for each in functions)
        raise GraphcutError(
            f"{printable(source)} names no function\nsay which: {names}\n"
            f"or audit each gradient that the script takes: graphcut run {printable(source)[1:-1]}"
        )
    if specs:
        raise GraphcutError(
            f"{printable(source)} is not a Python function, and only functions take a spec: module:function, path.py:function"
        )
    if source.isidentifier() and not os.path.exists(source):
        raise GraphcutError(
            f"no file {printable(source)}{near_files(source)}\n"
            f"A function is named with its file or module: path.py:{source}, package.module:{source}"
        )
    return source, ()


def _functions_in(path: str) -> List[str]:
    """Return the names of the functions in a file, last first, since helpers precede their caller. Nothing is executed."""
    try:
        with open(path, "rb") as stream:
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    return [each.name for each in reversed(tree.body) if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")]


def _import_module(name: str, modules: Dict[str, ModuleType]) -> ModuleType:
    if name.endswith(".py"):
        path = os.path.realpath(name)
        if path not in modules:
            modules[path] = _execute_file(name)
        return modules[path]
    sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(name)
        modules.update(modules_by_file([module]))
        return module
    except ModuleNotFoundError as error:
        if not error.name or not (name + ".").startswith(error.name + "."):
            raise
        raise GraphcutError(
            f"no module {printable(name)} to import\nlooked in this directory and in the packages of {sys.executable}"
        ) from None


def modules_by_file(modules: Iterable[ModuleType]) -> Dict[str, ModuleType]:
    """Modules by the paths of their files."""
    files = ((getattr(each, "__file__", None), each) for each in modules)
    return {os.path.realpath(file): each for file, each in files if file}


def _execute_file(path: str) -> ModuleType:
    if not os.path.isfile(path):
        raise GraphcutError(f"no file {printable(path)}{near_files(path)}")
    with open(path, "rb") as stream:
        if b"\0" in stream.read():
            raise GraphcutError(f"{printable(path)} is not Python source: it contains null bytes")
    sys.path[:0] = [os.path.dirname(os.path.realpath(path)), os.getcwd()]  # a file of a package imports it by its name
    name = os.path.basename(path)[: -len(".py")]
    spec = importlib.util.spec_from_file_location(name, os.path.abspath(path))
    if spec is None or spec.loader is None:
        raise GraphcutError(f"{printable(path)} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _attribute(module: ModuleType, name: str) -> Any:
    result: Any = module
    for part in name.split("."):
        if not hasattr(result, part):
            members = [each for each in dir(result) if not each.startswith("_")]
            raise GraphcutError(f"no {printable(name)} in {printable(module.__name__)}{near_names(part, members)}")
        result = getattr(result, part)
    return result


def _refuse_class(source: str, module: ModuleType, name: str, thing: Any) -> None:
    """Refuse a class, and a method that is named by its class: both need an instance."""
    if inspect.isclass(thing):
        raise GraphcutError(
            f"{printable(source)} is a class, and only an instance can be traced\n"
            "name an instance, or a function that returns a method and its arguments: "
            f"return {thing.__name__}(...).method, (x, y)"
        )
    owner, _, method = name.rpartition(".")
    if owner and inspect.isclass(_attribute(module, owner)) and _takes_self(thing):
        raise GraphcutError(
            f"{printable(source)} is a method, and names no instance\n"
            f"name an instance, such as {owner.lower()}.{method}, or a function that returns it and its arguments: "
            f"return {owner}(...).{method}, (x, y)"
        )


def _takes_self(thing: Any) -> bool:
    """Return whether a function of a class, which may be a ``tf.function``, is not bound to an instance."""
    function = inspect.unwrap(getattr(thing, "python_function", thing))
    if inspect.ismethod(thing) or inspect.ismethod(function) or not inspect.isfunction(function):
        return False
    return next(iter(inspect.signature(function).parameters), "") == "self"


def _traceable(source: str, results: Any, specs: Sequence[Spec]) -> Tuple[Any, Sequence[Any]]:
    if specs and inspect.isfunction(results):
        _check_number(source, results, specs)
    if specs or not inspect.isfunction(results):
        return results, specs
    needed = _required_arguments(results)
    if needed:
        raise GraphcutError(
            f"{printable(source)} takes {_counted_arguments(needed)}\ngive a --spec for each, such as --spec 'float32[32,10]'"
        )
    try:
        result, graph = _call(results)
    except Exception:
        if _takes_gradient(results):
            return results, ()
        raise
    thing, arguments = (result[0], result[1:]) if isinstance(result, tuple) and result else (result, ())
    if not (callable(thing) or hasattr(thing, "as_graph_def") or hasattr(thing, "SerializeToString")):
        if result is None or hasattr(result, "node_def") or _holds_tensors(result):
            return results if graph is None else graph, ()
        raise GraphcutError(
            f"{printable(source)} returned a value of type {type(thing).__name__}, which cannot be traced\n"
            "return a tf.Graph, a function, or a tuple of a function and its arguments"
        )
    return thing, _unpack(thing, arguments)


def _takes_gradient(step: Callable[[], Any]) -> bool:
    """Return whether a function that raised had taken a gradient before, like a step whose optimizer gets only ``None``."""
    from graphcut.api.audit_step import audit_step

    try:
        return bool(audit_step(step))
    except Exception:  # noqa: BLE001 - the first error is raised again
        return False


def _call(function: Callable[[], Any]) -> Tuple[Any, Any]:
    """Return a function's result, and in TensorFlow 1 the graph of the loss that it built."""
    if "tensorflow" not in sys.modules:
        return function(), None
    from graphcut.backend.live.tensorflow1 import build_in_own_graph

    return build_in_own_graph(function)


def _unpack(thing: Any, arguments: Sequence[Any]) -> Sequence[Any]:
    """Return the arguments in ``(function, (x, y))``: ``x`` and ``y``, unless ``(x, y)`` is a single argument."""
    function = getattr(thing, "python_function", thing)
    if len(arguments) != 1 or not isinstance(arguments[0], tuple) or not arguments[0]:
        return arguments
    if _is_compiled(thing) and (len(arguments[0]) == 1 or _has_one_input(thing)):
        return arguments[0]
    if not inspect.isroutine(function):
        return arguments
    signature = inspect.signature(function)
    return arguments[0] if _binds(signature, arguments[0]) and not _binds(signature, arguments) else arguments


def _is_compiled(thing: Any) -> bool:
    return hasattr(thing, "train_step") and getattr(thing, "optimizer", None) is not None


def _has_one_input(thing: Any) -> bool:
    """Return whether a source is a plain Keras model with one input, so that a tuple holds its inputs and targets."""
    is_plain = type(thing).__name__ in ("Sequential", "Functional")
    return is_plain and len(getattr(thing, "inputs", None) or (None,)) == 1


def _binds(signature: inspect.Signature, arguments: Sequence[Any]) -> bool:
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def _holds_tensors(value: Any) -> bool:
    """Return whether a value is a tensor, or a list, tuple or dict with one in it."""
    if isinstance(value, (list, tuple)):
        return any(map(_holds_tensors, value))
    if isinstance(value, dict):
        return any(map(_holds_tensors, value.values()))
    return hasattr(value, "dtype") and hasattr(value, "shape")


def _check_number(source: str, function: Any, specs: Sequence[Spec]) -> None:
    """Refuse a wrong number of specs for a plain function; a wrapped function may take other arguments."""
    signature = inspect.Signature.from_callable(function, follow_wrapped=False)
    try:
        signature.bind(*specs)
    except TypeError as error:
        takes = _counted_arguments(list(signature.parameters))
        counted = "1 spec was" if len(specs) == 1 else "%d specs were" % len(specs)
        message = "%s takes %s, but %s given: %s\ngive a --spec for each argument, such as --spec 'float32[32,10]'"
        raise GraphcutError(message % (printable(source), takes, counted, error)) from None


def _counted_arguments(names: Sequence[str]) -> str:
    """Return words for the arguments of a function, such as ``2 arguments (x, y)``."""
    return "%d argument%s (%s)" % (len(names), "s"[len(names) == 1 :], ", ".join(names)) if names else "no arguments"


def _required_arguments(function: Any) -> Sequence[str]:
    """Return the names of the arguments that have no default."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind in kinds and each.default is inspect.Parameter.empty]
