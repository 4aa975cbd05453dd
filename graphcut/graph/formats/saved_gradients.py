"""The custom gradients of a SavedModel: the functions that TensorFlow traced for them when it saved the model.

The library names the function of each ``CustomGradient-N`` (``registered_gradients``, from TensorFlow 2.5 on). It takes the
gradients of the op's outputs, then its captures. Only the object graph tells for which inputs it gives ``None``.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

from graphcut.graph.attrs import entry
from graphcut.graph.flat import Kind
from graphcut.graph.flatten.calls import branches, is_call
from graphcut.graph.messages import CLASSES
from graphcut.graph.metadata import SavedGradient

_CALL = "gradient"


def saved_gradient_finder(meta: Any) -> Callable[[str], Optional[SavedGradient]]:
    """Return the function that finds a saved gradient by the type that it is registered for."""
    library = meta.graph_def.library
    names = {each.registered_op_type: each.gradient_func for each in library.registered_gradients}
    functions: Dict[str, Any] = {each.signature.name: each for each in library.function} if names else {}

    def find_saved_gradient(op_type: str) -> Optional[SavedGradient]:
        name = names.get(op_type, "")
        saved = meta.object_graph_def.concrete_functions
        return _read_gradient(functions[name], saved[name], functions) if name in functions and name in saved else None

    return find_saved_gradient


def _read_gradient(function: Any, saved: Any, functions: Mapping[str, Any]) -> Optional[SavedGradient]:
    """Return the gradient; ``None`` if the object graph does not fit the function."""
    upstream = len(function.signature.input_arg) - len(saved.bound_inputs)
    inputs, outputs = [each.type for each in function.signature.input_arg], len(function.signature.output_arg)
    signature = saved.output_signature
    values = getattr(signature, signature.WhichOneof("kind") or "", signature)
    kinds = [each.WhichOneof("kind") for each in getattr(values, "values", ())]
    if upstream < 1 or not kinds or not all(inputs) or set(kinds) - {"none_value", "tensor_spec_value"}:
        return None
    if kinds.count("tensor_spec_value") != outputs:
        return None
    numbers = iter(range(outputs))
    gradients = tuple(None if kind == "none_value" else "%s:%d" % (_CALL, next(numbers)) for kind in kinds)
    graph = _graph(function, inputs, functions)
    return SavedGradient(graph, tuple("given_%d:0" % index for index in range(upstream)), gradients)


def _graph(function: Any, inputs: List[int], functions: Mapping[str, Any]) -> bytes:
    """Return a graph that calls the function with placeholders."""
    graph = CLASSES["Graph"]()
    for index, dtype in enumerate(inputs):
        graph.node.add(name="given_%d" % index, op="Placeholder", attr=[entry("dtype", type=dtype)])
    outputs = [each.type for each in function.signature.output_arg]
    attrs = [entry("Tin", list={"type": inputs}), entry("Tout", list={"type": outputs})]
    attrs.append(entry("f", func={"name": function.signature.name}))
    graph.node.add(
        name=_CALL, op="StatefulPartitionedCall", input=["given_%d" % index for index in range(len(inputs))], attr=attrs
    )
    graph.library.function.extend(_with_callees(function, functions))
    data: bytes = graph.SerializeToString()
    return data


def _with_callees(function: Any, functions: Mapping[str, Any]) -> List[Any]:
    """Return a function and all functions that it calls, directly or not."""
    result = {function.signature.name: function}
    waiting = [function]
    while waiting:
        for node in waiting.pop().node_def:
            kind = Kind(node.op, tuple(node.attr), ())
            for _, name in branches(kind) if is_call(node.op, functions) else ():
                if name in functions and name not in result:
                    result[name] = functions[name]
                    waiting.append(functions[name])
    return list(result.values())
