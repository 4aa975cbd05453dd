"""Describe files that are mistaken for graph files, and what to audit instead.

The beginning of a file decides; its name is used only if protobuf could not read it.
"""

from __future__ import annotations

import os
import re
from typing import List, Optional, Sequence, Tuple

from graphcut.errors import printable

_FUNCTION = "Audit the code that builds the model: graphcut audit package.module:function, or graphcut.audit(model) in Python."
_CHECKPOINT = "a checkpoint, which holds the values of variables and no graph"
_NO_META = "TensorFlow 2 saves no graph with it. " + _FUNCTION
_CONVERTED = "Audit the TensorFlow model that it was converted from; graphcut reads .pb, .pbtxt, .meta and SavedModels."
_PICKLE = "a Python pickle; graphcut never loads one, because loading runs code"
_SAFETENSORS = re.compile(rb"[\s\S]{3}\0{5}\{")
_JSON = re.compile(rb"\s*[{\[]")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FIRST_NODE = 128  # bytes; a first node of at most 123 bytes has the tag of its op, a control character, among them
_TABLE = re.compile(rb"\0\0.\x08[\x01-\x7f]\x1a\x02\x08", re.DOTALL)  # a sorted table, its first value a BundleHeader
_DATA = re.compile(r"\.data-\d{5}-of-\d{5}$")
_CHECKPOINT_STATE = re.compile(rb"\s*(all_)?model_checkpoint_path\s*:")
_ONNX_VERSIONS = range(3, 32)
_EVENTS = "events.out.tfevents."
_WEIGHTS = (".h5", ".safetensors", ".bin", ".msgpack")

_BEGINNINGS: Sequence[Tuple[bytes, str, str]] = (
    (b"\x89PNG", "a PNG picture", "graphcut reads .pb, .pbtxt, .meta or a SavedModel directory."),
    (b"\x93NUMPY", "a NumPy array", _FUNCTION),
)


def describe_content(head: bytes, path: str) -> Optional[str]:
    """Return what a file with this beginning is, and on the next line what to do; ``None`` if it may be a graph.

    >>> describe_content(b"TFL3", "model")
    >>> print(describe_content(b"\\x1c\\0\\0\\0TFL3", "model.tflite"))
    a TFLite model, which holds no gradients
    Audit the TensorFlow model that it was converted from; graphcut reads .pb, .pbtxt, .meta and SavedModels.
    """
    for magic, meaning, advice in _BEGINNINGS:
        if head.startswith(magic):
            return "%s\n%s" % (meaning, advice)
    if head[2:8] == b"\0\0TFL3":  # a node may be called TFL3
        return "a TFLite model, which holds no gradients\n%s" % _CONVERTED
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "%s\n%s" % (_PICKLE, _FUNCTION)
    if head[:1] == b"\x08" and head[1:2] and head[1] in _ONNX_VERSIONS and head[2:3] in (b"\x12", b"\x3a"):
        return "an ONNX model, which holds no gradients\n%s" % _CONVERTED
    if _TABLE.match(head) or _CHECKPOINT_STATE.match(head):
        return "%s\n%s" % (_part_of_checkpoint(path), _graph_of_checkpoint(path))
    if _SAFETENSORS.match(head):
        return "a safetensors file, which holds weights and no graph\n%s" % _FUNCTION
    return _describe_json(head) if _is_json(head) else None


def _is_json(head: bytes) -> bool:
    """Return whether a file is JSON. A GraphDef may begin alike: a line feed, and ``{`` for a first node of 123 bytes."""
    return bool(_JSON.match(head)) and not _CONTROL.search(head[:_FIRST_NODE])


def _part_of_checkpoint(path: str) -> str:
    is_state = os.path.basename(path) == "checkpoint"
    return "the list of a folder's checkpoints, which hold values and no graph" if is_state else "part of " + _CHECKPOINT


def _describe_json(head: bytes) -> str:
    if b'"modelTopology"' in head or b'"weightsManifest"' in head or b'"graph-model"' in head or b'"layers-model"' in head:
        return "a TensorFlow.js model, which holds no gradients\n%s" % _CONVERTED
    if b'"class_name"' in head and b'"config"' in head:
        return "the configuration of a Keras model, which holds no graph\nBuild it by keras.models.model_from_json; audit it."
    return "JSON, which holds no graph\n%s" % _FUNCTION


def describe_name(path: str) -> str:
    """Return what a file is by its name, if protobuf could not read it; an empty string if the name is no help.

    >>> print(describe_name("model.ckpt-7.data-00000-of-00001").partition(chr(10))[0])
    part of a checkpoint, which holds the values of variables and no graph
    """
    name = os.path.basename(path)
    if _DATA.search(name) or name.endswith((".index", ".ckpt")):
        return "part of %s\n%s" % (_CHECKPOINT, _graph_of_checkpoint(path))
    if name.endswith((".pkl", ".pickle", ".joblib", ".dill")):
        return "%s\n%s" % (_PICKLE, _FUNCTION)
    if name == "tfhub_module.pb":
        return "a part of a TF-Hub module\nAudit the directory that it is in."
    if name.endswith(".onnx"):
        return "an ONNX model, which holds no gradients\n%s" % _CONVERTED
    return ""


def _graph_of_checkpoint(path: str) -> str:
    """Return what to audit instead of a part of a checkpoint: the ``.meta`` or the SavedModel that it belongs to."""
    folder, name = os.path.split(path)
    meta = os.path.join(folder, re.sub(r"(\.index|\.data-\d{5}-of-\d{5})$", "", name) + ".meta")
    if os.path.isfile(meta):
        return "Its graph is beside it: audit %s." % printable(meta)
    model = os.path.dirname(os.path.abspath(folder or "."))
    if os.path.basename(os.path.abspath(folder or ".")) == "variables" and os.path.exists(
        os.path.join(model, "saved_model.pb")
    ):
        return "It belongs to a SavedModel: audit %s." % printable(os.path.dirname(folder) or model)
    beside = sorted((each for each in _list_folder(folder) if each.endswith(".meta")), key=_steps)
    if beside:
        return "A graph is beside it: audit %s." % printable(os.path.join(folder, beside[-1]))
    return _NO_META


def describe_folder(folder: str) -> Optional[str]:
    """Return what a directory without a SavedModel is, and what to do; ``None`` if it is unknown.

    Args:
        folder: a local directory.

    Returns:
        Two lines, or ``None``.
    """
    names = _list_folder(folder)
    events = sorted(each for each in names if each.startswith(_EVENTS))
    if any(each.endswith(".index") or each == "checkpoint" for each in names):
        last = max((each for each in names if each.endswith(".index")), key=_steps, default="checkpoint")
        return "%s\n%s" % (_CHECKPOINT, _graph_of_checkpoint(os.path.join(folder, last)))
    if "model.json" in names:
        return "a TensorFlow.js model, which holds no gradients\n%s" % _CONVERTED
    if events:
        last = printable(os.path.join(folder, events[-1]))
        return "event files of TensorBoard, which may hold the graph\nAudit one of them: %s." % last
    if "config.json" in names and any(each.endswith(_WEIGHTS) for each in names):
        return "a model's weights and configuration (Hugging Face?), which hold no graph\n%s" % _FUNCTION
    return None


def _steps(name: str) -> Tuple[List[int], str]:
    """Return the sort key for checkpoints by step: the numbers in a name, then the name."""
    return [int(digits) for digits in re.findall(r"\d{1,18}", name)], name


def _list_folder(folder: str) -> Sequence[str]:
    try:
        return sorted(os.listdir(folder or "."))[:1000]
    except OSError:
        return ()
