"""Graphs that TensorFlow would not write: good ones with changes to their parts, and random ones.

In most files a change that graphcut would refuse to read is undone, since only what can be read is audited.
Everything is drawn from ``dice``, which has the methods of ``random.Random``: hypothesis gives one that it can shrink.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

from google.protobuf import text_format

from graphcut import GraphcutError
from graphcut.api.load import open_graph
from graphcut.graph.attrs import entry, parse_attrs
from graphcut.graph.formats import metagraph, reader
from graphcut.graph.messages import CLASSES
from tests.robustness.making import calling, function, graph, identity, node, variable

FIXTURES = Path(__file__).parents[2] / "fixtures"
SEEDS = [FIXTURES / "documents" / "003.meta", FIXTURES / "documents" / "003.pb", *sorted((FIXTURES / "graphs").glob("*.meta"))]
SEEDS += [FIXTURES / "graphs" / name for name in ("conditional_v2.pb", "saved_model", "reloaded")]
SEEDS += [path for path in sorted((Path(__file__).parent / "seeds").iterdir()) if path.suffix in (".meta", ".pb")]
NAMES = (
    "w",
    "v",
    "x",
    "y",
    "f",
    "loss",
    "a/b",
    "gradients/a",
    "a/Adam",
    "w:1",
    "^w",
    "",
    "read",
    "é\x1b[31m<b>&\"'",
    "n" * 300,
)
TYPES = (
    "Identity", "Add", "AddN", "Mul", "MatMul", "StopGradient", "PreventGradient", "IdentityN", "VariableV2",
    "VarHandleOp", "ReadVariableOp", "AssignVariableOp", "ResourceGather", "ResourceApplyGradientDescent", "ApplyAdam",
    "ScatterSub", "Const", "Placeholder", "Fill", "ZerosLike", "Shape", "Reshape", "ConcatV2", "Split", "SplitV",
    "Slice", "StridedSlice", "Pad", "Unpack", "Pack", "ArgMax", "Cast", "Switch", "Merge", "Enter", "Exit",
    "NextIteration", "LoopCond", "If", "StatelessIf", "While", "StatelessWhile", "Case", "PartitionedCall",
    "StatefulPartitionedCall", "SymbolicGradient", "PyFunc", "EagerPyFunc", "TensorArrayV3", "TensorArrayReadV3",
    "TensorArrayWriteV3", "TensorListReserve", "TensorListGetItem", "TensorListSetItem", "TensorListStack", "Where",
    "SelectV2", "Einsum", "BatchMatMulV2", "FusedBatchNormV3", "Conv2D", "NoSuchOp", "f", "g",
)  # fmt: skip
ATTRS = (
    "T", "dtype", "shape", "N", "num_split", "axis", "then_branch", "else_branch", "body", "cond", "branches", "f",
    "value", "Tin", "Tout", "DstT", "SrcT", "frame_name", "is_constant", "_gradient_op_type", "container",
    "shared_name", "output_shapes", "begin_mask", "transpose_a", "equation", "element_dtype", "_output_shapes",
    "parallel_iterations", "num_original_outputs",
)  # fmt: skip
# Without the right attributes these have no output, so an op that reads one is refused.
WITHOUT_OUTPUT = frozenset(
    ["AssignVariableOp", "ResourceApplyGradientDescent", "If", "StatelessIf", "While", "StatelessWhile", "Case", "f", "g"]
    + ["PartitionedCall", "StatefulPartitionedCall", "SymbolicGradient", "NoSuchOp", "IdentityN", "PyFunc", "EagerPyFunc"]
)
NUMBERS = (0, 1, 2, 3, 7, -1, 10**6, 2**31 - 1, 2**62, -(2**63))
DTYPES = (1, 1, 1, 2, 3, 7, 8, 9, 10, 14, 19, 20, 21, 101, 120, 0)


def graph_file(dice):
    """The name and the bytes of a file: a good graph that was changed, or a graph of made-up ops."""
    is_kept = is_readable if dice.randrange(8) else lambda message: True
    message = changed(dice.choice(SEEDS), dice, is_kept=is_kept) if dice.randrange(3) else made_up(dice, is_kept)
    name = "graph.pb"
    form = dice.randrange(12)
    if form < 2:
        return "events.out.tfevents.1.host", event_file(message, dice)
    if form == 2:
        return keras_file(message, dice)
    if form < 6 and hasattr(message, "graph_def"):
        name, message = "saved_model.pb", CLASSES["SavedModel"](saved_model_schema_version=1, meta_graphs=[message])
    data = message.SerializeToString()
    if form == 6:
        name, data = "graph.pbtxt", text_format.MessageToString(message).encode()
    if dice.randrange(20) == 0:
        data = bytes_changed(data, dice)
    return packed(name, data, dice) if form == 7 else (name, data)


def packed(name, data, dice):
    """A gzip file; at times it is damaged, cut short, or has something behind it."""
    data = gzip.compress(data, 1)
    kind = dice.randrange(10)
    if kind == 0:
        data = bytes_changed(data, dice)
    return name + ".gz", data[: dice.randrange(1, len(data))] if kind == 1 else data + b"behind" * (kind == 2)


def keras_file(message, dice):
    """A file that Keras may have written, with a graph where its weights are; at times it is damaged."""
    if dice.randrange(3) == 0:
        data = b"\x89HDF\r\n\x1a\n" + message.SerializeToString()
        return "model.h5", bytes_changed(data, dice) if dice.randrange(2) else data
    config = {
        "module": "keras",
        "class_name": dice.choice(["Functional", "Sequential", "\x1b[31m", None, 3, []]),
        "config": {},
    }
    layers = [{"class_name": dice.choice(TYPES), "config": {"name": dice.choice(NAMES)}} for _ in range(dice.randrange(4))]
    config["config"] = dice.choice([{"layers": layers, "name": dice.choice(NAMES)}, {}, layers, None, "layers"])
    members = {
        "config.json": dice.choice([json.dumps(config), json.dumps(config)[:-3], "[" * 2000, "", "null"]).encode(),
        "metadata.json": dice.choice(['{"keras_version": "3.3.3"}', '{"keras_version": 3}', "[]", "{", ""]).encode(),
        "model.weights.h5": message.SerializeToString(),
        "saved_model.pb": message.SerializeToString(),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in [each for each in members if dice.randrange(4)]:
            archive.writestr(zipfile.ZipInfo(name), members[name])
    data = stream.getvalue()
    return "model.keras", bytes_changed(data, dice) if dice.randrange(4) == 0 else data


def beside(message_bytes, dice):
    """The other files of a SavedModel's folder, by name: a checkpoint, debug information, assets; most are damaged."""
    other = [b"", b"\xff" * 40, bytes_changed(message_bytes, dice), message_bytes, bytes(1000)]
    names = ("variables/variables.index", "variables/variables.data-00000-of-00001", "debug/saved_model_debug_info.pb")
    names += ("keras_metadata.pb", "fingerprint.pb", "assets.extra/labels.txt", "checkpoint", "saved_model.pbtxt")
    return {name: dice.choice(other) for name in names if dice.randrange(3) == 0}


def is_readable(message):
    """Whether a graph can be read, and so be audited; a foreign exception is left for the audit to meet."""
    meta = message if hasattr(message, "graph_def") else None
    content = reader.Content(message if meta is None else meta.graph_def, meta, "")
    try:
        open_graph(content.graph, metagraph.origin(content, None))
    except GraphcutError:
        return False
    except Exception:  # noqa: BLE001
        return True
    return True


def event_file(message, dice):
    """An event file of TensorBoard that holds a graph among other events; at times its records are damaged."""
    number = 9 if hasattr(message, "graph_def") else 4
    graphs = [field(number, message.SerializeToString())]
    other = [field(dice.choice([2, 4, 5, 6, 9, 12]), b"x" * dice.choice([0, 3, 200])) for _ in range(dice.randrange(4))]
    events = graphs * dice.choice([1, 1, 1, 2]) + other
    if dice.randrange(4) == 0:
        events.append(field(dice.choice([4, 9]), bytes_changed(message.SerializeToString(), dice)))
    dice.shuffle(events)
    return b"".join(record(b"\x09" + bytes(8) + event, dice) for event in [field(3, b"brain.Event:2"), *events])


def record(event, dice):
    """A record of an event file; at times it is damaged, or says that it is longer or shorter than it is."""
    size = len(event) + (dice.choice([-1, 1, 7, 2**20, 2**40, 2**63]) if dice.randrange(30) == 0 else 0)
    data = struct.pack("<Q", max(size, 0)) + bytes(4) + event + bytes(4)
    return bytes_changed(data, dice) if dice.randrange(40) == 0 else data


def field(number, data):
    """A field of bytes in a protobuf message."""
    size, length = len(data), b""
    while size >= 128:
        size, length = size // 128, length + bytes([size % 128 + 128])
    return bytes([number * 8 + 2]) + length + bytes([size]) + data


def changed(source, dice, changes=None, is_kept=lambda message: True):
    """A message of a good graph with a few changes, or with those given; a change that is not kept is undone."""
    content = reader.read(str(source))
    kind, held = ("Graph", content.graph) if content.meta is None else ("MetaGraph", content.meta)
    message = CLASSES[kind].FromString(held.SerializeToString())
    possible = CHANGES if content.meta is None else CHANGES + META_CHANGES
    drawn = [dice.choice(possible) for _ in range(dice.choice([1, 2, 4, 8, 16]))] if changes is None else changes
    for change in drawn:
        before = message.SerializeToString()
        held = message if content.meta is None else message.graph_def
        if change in CHANGES or message is not held:
            change(held if change in CHANGES else message, dice)
        if not is_kept(message):
            message = type(message).FromString(before)
    return message


def bytes_changed(data, dice):
    data = bytearray(data)
    for _ in range(dice.choice([1, 2, 5])):
        place = dice.randrange(len(data))
        data[place : place + dice.choice([0, 1, 1, 4])] = bytes(dice.randrange(256) for _ in range(dice.choice([0, 1, 4])))
    return bytes(data) or b"\0"


def made_up(dice, is_kept=lambda message: True):
    """A graph of random ops, most of whose inputs exist; with functions, and perhaps collections around it.

    Ops and functions that are not kept are left out.
    """
    names, functions = ["f", "g", "h"][: dice.randrange(4)], []
    for name in names:
        more = [*functions, made_up_function(name, names[: len(functions)] or names, dice)]
        functions = more if is_kept(graph(variable("w"), functions=more)) else functions
    nodes = [variable("w"), identity("x", "w")]
    for index in range(dice.choice([1, 3, 6, 15, 40])):
        known = [each.name for each in nodes if each.op not in WITHOUT_OUTPUT or dice.randrange(30) == 0]
        more = [*nodes, made_up_node("n%d" % index, known, names, dice)]
        nodes = more if is_kept(graph(*more, functions=functions)) else nodes
    last = next(each.name for each in reversed(nodes) if each.op not in WITHOUT_OUTPUT)
    held = graph(*nodes, identity("loss", last), functions=functions)
    if dice.randrange(3):
        return held
    meta = CLASSES["MetaGraph"](graph_def=held)
    for _ in range(dice.choice([1, 2, 4])):
        before = meta.SerializeToString()
        dice.choice(META_CHANGES)(meta, dice)
        if not is_kept(meta):
            meta = type(meta).FromString(before)
    return meta


def made_up_function(name, names, dice):
    inner, known = [], ["x"]
    for index in range(dice.choice([0, 1, 3, 8])):
        inner.append(made_up_node("i%d" % index, known, names, dice, ":output:0"))
        known.append(inner[-1].name)
    result = known[-1] + (":output:0" if len(known) > 1 else "")
    return function(name, *inner, result=dice.choice([result, result, "x", "nowhere:output:0"]))


def made_up_node(name, known, functions, dice, ending=""):
    if functions and dice.randrange(4) == 0:
        return calling(name, dice.choice(functions), dice.choice(known))
    inputs = [dice.choice(known) + dice.choice([""] * 30 + [":1", ":99"]) for _ in range(dice.choice([0, 1, 1, 2, 2, 3, 5]))]
    inputs = [each + ending if each != "x" and ":" not in each else each for each in inputs]
    made = node(name, dice.choice(TYPES), *inputs, T={"type": 1}, num_split={"i": 2}, num={"i": 2}, N={"i": len(inputs)})
    for _ in range(dice.choice([0, 1, 2, 5])):
        made.attr.append(made_up_attr(functions, dice))
    return made


def made_up_attr(functions, dice):
    key, kind = dice.choice(ATTRS), dice.randrange(9)
    if kind == 0:
        return entry(key, i=dice.choice(NUMBERS))
    if kind == 1:
        return entry(key, type=dice.choice(DTYPES))
    if kind == 2:
        return entry(key, s=dice.choice([b"", b"CustomGradient-1", b"\xff\xfe", b"while/frame", b"ab,bc->ac"]))
    if kind == 3:
        return entry(key, func=CLASSES["NameAttrList"](name=dice.choice([*(functions or ["f"]) * 6, "f", "nowhere"])))
    if kind == 4:
        return entry(key, shape=made_up_shape(dice))
    if kind == 5:
        return entry(key, b=bool(dice.randrange(2)))
    if kind == 6:
        return entry(key, tensor=made_up_tensor(dice))
    message = CLASSES["AttrEntry"](key=key)
    listed = message.value.list
    if kind == 7:
        listed.type.extend(dice.choice(DTYPES) for _ in range(dice.choice([0, 1, 2, 5])))
    else:
        listed.func.extend(CLASSES["NameAttrList"](name=each) for each in [*functions, "f"][: dice.randrange(4)])
        listed.shape.extend(made_up_shape(dice) for _ in range(dice.randrange(3)))
    return message.SerializeToString()


def made_up_shape(dice):
    shape = CLASSES["Shape"](unknown_rank=dice.randrange(4) == 0)
    for _ in range(dice.choice([0, 1, 2, 4, 30])):
        shape.dim.add(size=dice.choice(NUMBERS))
    return shape


def made_up_tensor(dice):
    tensor = CLASSES["Tensor"](dtype=dice.choice(DTYPES), tensor_shape=made_up_shape(dice))
    tensor.tensor_content = bytes(dice.randrange(256) for _ in range(dice.choice([0, 0, 1, 4, 17])))
    tensor.float_val.extend([float("nan"), float("inf"), 0.0][: dice.randrange(4)])
    tensor.int_val.extend([0, -1, 2**31 - 1][: dice.randrange(4)])
    return tensor


def any_nodes(held, dice):
    """The nodes of the graph or of one of its functions."""
    places = [held.node, *[each.node_def for each in held.library.function]]
    return dice.choice([each for each in places if each] or [held.node])


def change_attr(held, dice):
    nodes = any_nodes(held, dice)
    if nodes:
        chosen, other = dice.choice(nodes), dice.choice(nodes)
        if chosen.attr and dice.randrange(2):
            del chosen.attr[dice.randrange(len(chosen.attr))]
        names = [each.signature.name for each in held.library.function]
        chosen.attr.append(dice.choice(list(other.attr) + [made_up_attr(names, dice)] * 3))


def change_input(held, dice):
    nodes = any_nodes(held, dice)
    if not nodes:
        return
    chosen, other = dice.choice(nodes), dice.choice(nodes)
    name = (
        dice.choice(["", "^"]) + other.name + dice.choice([""] * 8 + [":0", ":0", ":output:0", ":1", ":y:99999999999", ":-1"])
    )
    kind = dice.randrange(4)
    if kind == 0 and chosen.input:
        del chosen.input[dice.randrange(len(chosen.input))]
    elif kind == 1 and chosen.input:
        chosen.input[dice.randrange(len(chosen.input))] = name
    else:
        chosen.input.extend([name] * dice.choice([1, 1, 3]))


def change_type(held, dice):
    nodes = any_nodes(held, dice)
    if nodes:
        dice.choice(nodes).op = dice.choice(TYPES + tuple(each.signature.name for each in held.library.function))


def change_name(held, dice):
    nodes = any_nodes(held, dice)
    if nodes:
        dice.choice(nodes).name = dice.choice(NAMES)


def remove_node(held, dice):
    nodes = any_nodes(held, dice)
    if nodes:
        del nodes[dice.randrange(len(nodes))]


def move_node(held, dice):
    """A node of one graph or function into another one."""
    source, target = any_nodes(held, dice), any_nodes(held, dice)
    if source:
        target.add().CopyFrom(dice.choice(source))


def stop_node(held, dice):
    """Put an op of a type that blocks, or a custom gradient, where another one is."""
    nodes = any_nodes(held, dice)
    if nodes:
        chosen = dice.choice(nodes)
        chosen.op = dice.choice(["StopGradient", "IdentityN", "PreventGradient", "Identity"])
        if chosen.op == "IdentityN":
            chosen.attr.append(entry("_gradient_op_type", s=b"CustomGradient-7"))
            chosen.attr.append(entry("T", list={"type": [1] * dice.choice([0, 1, len(chosen.input)])}))


def change_function(held, dice):
    if not held.library.function:
        return
    chosen, other = dice.choice(held.library.function), dice.choice(held.library.function)
    kind = dice.randrange(7)
    arguments = dice.choice([chosen.signature.input_arg, chosen.signature.output_arg])
    if kind == 0 and arguments:
        del arguments[dice.randrange(len(arguments))]
    elif kind == 1:
        arguments.add(name=dice.choice(NAMES), type=dice.choice(DTYPES), type_attr=dice.choice(["", "T"]))
    elif kind == 2 and chosen.ret:
        chosen.ret[dice.choice(sorted(chosen.ret))] = dice.choice([*other.ret.values(), "x", "nowhere:output:0", ""])
    elif kind == 3:
        chosen.signature.name = dice.choice([other.signature.name, "f", "", "MatMul"])
    elif kind == 4:
        del held.library.function[list(held.library.function).index(chosen)]
    elif kind == 5:
        held.library.gradient.add(function_name=chosen.signature.name, gradient_func=other.signature.name)
    elif arguments:
        dice.choice(arguments).type = dice.choice(DTYPES)


def call_function(held, dice):
    """Add a call, branch or loop of existing functions, whatever their arguments and results."""
    names = [each.signature.name for each in held.library.function] or ["f"]
    nodes = any_nodes(held, dice)
    kind = dice.choice(["PartitionedCall", "If", "StatelessIf", "While", "StatelessWhile", "Case", "SymbolicGradient"])
    count = dice.choice([0, 1, 2, 3])
    made = nodes.add(name="called_%d" % len(nodes), op=kind)
    made.input.extend(dice.choice(nodes).name for _ in range(count + (kind in ("If", "StatelessIf", "Case"))))
    dtypes = [dice.choice(DTYPES) for _ in range(count)]
    for key in {"PartitionedCall": ["f"], "SymbolicGradient": ["f"], "Case": []}.get(kind, ["then_branch", "else_branch"]):
        made.attr.append(entry(key, func=CLASSES["NameAttrList"](name=dice.choice(names))))
    if "While" in kind:
        made.attr.extend(entry(key, func=CLASSES["NameAttrList"](name=dice.choice(names))) for key in ("cond", "body"))
    if kind == "Case":
        made.attr.append(entry("branches", list={"func": [{"name": dice.choice(names)} for _ in range(3)]}))
    made.attr.extend(entry(key, list={"type": dtypes}) for key in ("T", "Tin", "Tout"))


def change_called(held, dice):
    """Let a call take another function, perhaps the one that it is in."""
    names = [each.signature.name for each in held.library.function] or ["f"]
    for nodes in [any_nodes(held, dice) for _ in range(3)]:
        for each in nodes:
            keys = [key for key in parse_attrs(tuple(each.attr)) if key in ("f", "then_branch", "else_branch", "cond", "body")]
            if keys and dice.randrange(2):
                each.attr.append(entry(dice.choice(keys), func=CLASSES["NameAttrList"](name=dice.choice(names))))
                return


def copy_scope(held, dice):
    """Copy a scope under another name: a second backward part, a second loop, a second tower."""
    nodes = any_nodes(held, dice)
    scopes = sorted({each.name.partition("/")[0] for each in nodes if "/" in each.name}) or [""]
    old, new = dice.choice(scopes), dice.choice(["gradients_1", "gradients", "again", "while"])
    for each in [each for each in nodes if each.name.startswith(old)][:200]:
        made = nodes.add()
        made.CopyFrom(each)
        made.name = new + made.name[len(old) :]
        for index, read in enumerate(made.input):
            if read.startswith(old) and dice.randrange(8):
                made.input[index] = new + read[len(old) :]


def close_loop(held, dice):
    """Lead an op's output back to an input before it, with or without the ops of a loop."""
    nodes = any_nodes(held, dice)
    heads = [each for each in nodes if each.op in ("Merge", "Switch", "Enter", "AddN", "Identity") and each.input]
    if heads:
        back = nodes.add(name="back_%d" % len(nodes), op=dice.choice(["NextIteration", "Identity", "Exit", "Switch"]))
        back.input.extend(dice.choice(nodes).name for _ in range(dice.choice([1, 1, 2])))
        back.attr.append(entry("T", type=dice.choice(DTYPES)))
        chosen = dice.choice(heads)
        chosen.input[dice.randrange(len(chosen.input))] = back.name


def change_versions(held, dice):
    held.versions.producer = dice.choice([0, 1, 26, 1395, 2**31 - 1, -1])


def change_collection(meta, dice):
    key = dice.choice(["losses", "variables", "trainable_variables", "while_context", "cond_context", "train_op"])
    names = [each.name for each in meta.graph_def.node][:50] or ["w"]
    name = dice.choice(names) + dice.choice(["", ":0", ":5"])
    collection = meta.collection_def[key]
    if dice.randrange(3) == 0:
        collection.node_list.value.append(name)
        return
    definition = CLASSES["VariableDef"](variable_name=name, snapshot_name=name, trainable=bool(dice.randrange(2)))
    if dice.randrange(3) == 0:
        definition.save_slice_info_def.full_name = "whole"
        definition.save_slice_info_def.full_shape.extend([dice.choice(NUMBERS)] * dice.randrange(3))
    context = CLASSES["WhileContext"](context_name=name, loop_exit_names=[name])
    if dice.randrange(3) == 0:
        context.nested_contexts.add().while_ctxt.loop_exit_names.append(name)
    message = context if key == "while_context" else definition
    collection.bytes_list.value.append(dice.choice([message.SerializeToString(), b"\xff"]))


def change_signature(meta, dice):
    names = [each.name for each in meta.graph_def.node][:50] or ["w"]
    signature = meta.signature_def[dice.choice(["serving_default", "train", "__saved_model_init_op", "\x1b[31m"])]
    signature.outputs[dice.choice(NAMES)].name = dice.choice(names) + dice.choice(["", ":0", ":1", ":x"])


def change_objects(meta, dice):
    saved = meta.object_graph_def.nodes.add().variable
    saved.name, saved.dtype, saved.trainable = dice.choice(NAMES), dice.choice(DTYPES), True
    saved.shape.CopyFrom(made_up_shape(dice))


def change_object_edges(meta, dice):
    """Change edges of the object graph: to nothing, in a circle, to functions; and what these capture."""
    objects = meta.object_graph_def
    chosen = dice.choice(objects.nodes) if objects.nodes else objects.nodes.add()
    functions = [each.signature.name for each in meta.graph_def.library.function] or ["f"]
    for _ in range(dice.choice([1, 2, 5])):
        place = dice.choice(
            [0, 0, len(objects.nodes) - 1, dice.randrange(len(objects.nodes)), len(objects.nodes), -1, 2**31 - 1]
        )
        chosen.children.add(node_id=place, local_name=dice.choice(NAMES))
    chosen.function.concrete_functions.append(dice.choice([*functions, "nowhere"]))
    bound = objects.concrete_functions[dice.choice(functions)].bound_inputs
    bound.extend(dice.choice([0, 1, len(objects.nodes), -1]) for _ in range(dice.choice([1, 2, 30])))


def change_op_list(meta, dice):
    made = meta.meta_info_def.stripped_op_list.op.add(name=dice.choice(TYPES))
    for arguments in (made.input_arg, made.output_arg):
        for _ in range(dice.randrange(3)):
            arguments.add(
                name="a", type=dice.choice(DTYPES), type_attr=dice.choice(["", "T"]), number_attr=dice.choice(["", "N"])
            )


CHANGES = (
    change_attr, change_attr, change_input, change_input, change_type, change_name, remove_node, move_node, stop_node,
    change_function, change_function, change_versions, call_function, change_called, copy_scope, close_loop,
)  # fmt: skip
META_CHANGES = (change_collection, change_signature, change_objects, change_object_edges, change_op_list)
