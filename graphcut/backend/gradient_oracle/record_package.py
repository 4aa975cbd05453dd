"""Ask the installed TensorFlow for the gradients of the ops that a package registers when it is imported."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any, Dict, List, Set

import tensorflow as tf

from graphcut.backend.gradient_oracle import ask_every_op
from graphcut.backend.live.gradient_registry import REGISTRY
from graphcut.errors import GraphcutError, printable


def record(package: str) -> Dict[str, Any]:
    """Return the overlay of a package: an entry for each op type that it defines or registers a gradient for."""
    ops, gradients = set(ask_every_op.registered_ops()), set(REGISTRY.list())
    try:
        module = importlib.import_module(package)
        unloaded = _load_ops(package)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package.partition(".")[0]:
            raise
        raise GraphcutError(
            "no package %s to import\nGive the name that Python imports, such as tensorflow_text." % printable(package)
        ) from None
    own_ops = ask_every_op.registered_ops()
    names = (set(own_ops) - ops) | (set(REGISTRY.list()) - gradients) | _registered_by(package)
    entries = {name: ask_every_op.op_entry(own_ops[name]) for name in sorted(names & set(own_ops))}
    if not entries:
        raise GraphcutError(
            "%s registers no op and no gradient\nIts gradients are those of TensorFlow's own ops." % printable(package)
        )
    version = str(getattr(module, "__version__", "of unknown version"))
    overlay: Dict[str, Any] = {"overlay": 1, "package": package, "package_version": version, "tensorflow": tf.__version__}
    overlay.update(ops=entries, unloaded=unloaded)
    return dict(json.loads(json.dumps(overlay)))


def _load_ops(package: str) -> List[str]:
    """Load the libraries of ops that the modules of a package load when they are first used, as tensorflow-addons does.

    Returns the modules whose library cannot be loaded here.
    """
    failed = []
    for name, module in list(sys.modules.items()):
        if (name + ".").startswith(package.partition(".")[0] + "."):
            for value in list(vars(module).values()):
                if type(value).__name__ == "LazySO" and not _loads(value):
                    failed.append(name)
    return sorted(failed)


def _loads(library: Any) -> bool:
    try:
        return bool(library.ops)
    except (tf.errors.OpError, OSError, RuntimeError):
        return False


def _registered_by(package: str) -> Set[str]:
    """Return the op types whose gradient function is of the package, which may have been imported before."""
    result = {name: REGISTRY.lookup(name) for name in REGISTRY.list()}
    prefix = package.partition(".")[0] + "."
    return {name for name, function in result.items() if (str(getattr(function, "__module__", "")) + ".").startswith(prefix)}
