"""Write graphcut/graph/op_outputs.txt: the outputs of every op type that the installed TensorFlow registers.

Run from the project's root under each TensorFlow whose ops should be known, oldest first; a line that is already
there is replaced, the rest are kept: ``python tools/make_ops_table.py``.
``tests/against_tensorflow/live/test_ops_table.py`` holds the table against the installed TensorFlow.
"""

from __future__ import annotations

from tensorflow.core.framework import op_def_pb2
from tensorflow.python.framework import (
    c_api_util,
    kernels,  # noqa: F401  (loads the op registry)
)

PATH = "graphcut/graph/op_outputs.txt"


def registered_ops():
    """Every ``OpDef`` of the installed TensorFlow, by name."""
    if hasattr(c_api_util, "tf_buffer") and hasattr(c_api_util, "c_api") and hasattr(c_api_util.c_api, "TF_GetAllOpList"):
        buffer = c_api_util.c_api.TF_GetAllOpList()
        ops = op_def_pb2.OpList.FromString(c_api_util.c_api.TF_GetBuffer(buffer))
    else:
        from tensorflow.python.client import pywrap_tf_session

        ops = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    return {op.name: op for op in ops.op}


def line(op):
    """``Split output:num_split*T``: name, then ``output:spec`` for each output, then defaults of attributes used."""
    defaults = {attr.name: attr.default_value for attr in op.attr if attr.HasField("default_value")}
    words = [op.name]
    used = []
    for arg in op.output_arg:
        count = arg.number_attr + "*" if arg.number_attr else ""
        dtype = "[%s]" % arg.type_list_attr if arg.type_list_attr else arg.type_attr or str(arg.type)
        words.append("%s:%s%s%s" % (arg.name, "&" if arg.is_ref else "", count, dtype))
        used += [arg.number_attr, arg.type_attr, arg.type_list_attr]
    for name in sorted(set(used) & set(defaults)):
        value = defaults[name]
        text = (
            value.i if value.HasField("i") else value.type if value.HasField("type") else ",".join(map(str, value.list.type))
        )
        words.append("%s=%s" % (name, text))
    return " ".join(words)


if __name__ == "__main__":
    try:
        with open(PATH) as stream:
            table = {each.split(" ", 1)[0]: each for each in stream.read().splitlines()}
    except FileNotFoundError:
        table = {}
    table.update({name: line(op) for name, op in registered_ops().items()})
    with open(PATH, "w") as stream:
        stream.writelines(table[name] + "\n" for name in sorted(table))
