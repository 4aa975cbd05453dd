"""Read from a Keras file (``.keras``, ``.h5``), without Keras, what it holds: layers, but no graph.

Such a file holds the configuration of each layer and the weights. The installed Keras decides which ops a layer makes when it
builds the model, so a verdict needs Keras. This module executes nothing in the file.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional

from graphcut.errors import GraphcutError, printable

HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
_MOST = 2**26  # bytes of configuration, and of an HDF5 file that is searched for it
_CODE = ("Lambda", "__lambda__")
_SHOWN, _NAMES = 3, 1000
_NO_GRAPH = (
    "A Keras file holds layers and weights but no graph: what a gradient crosses is known once Keras has built the model.\n"
    "With TensorFlow, audit it with oracle='installed'; or load the model and call graphcut.audit_step(model, x, y); "
    "or export a SavedModel and audit that."
)


class KerasFile(NamedTuple):
    """The contents of a Keras file: the configurations of the model and of ``compile``, and the version of Keras."""

    model: Dict[str, Any]
    compiled: Dict[str, Any]
    version: str


class KerasFileError(GraphcutError):
    """A Keras file was given where a graph is needed."""


def may_be(path: str) -> bool:
    """Return whether a file begins like a Keras file."""
    with open(path, "rb") as stream:
        return stream.read(len(HDF5)).startswith((HDF5, ZIP))


def error_of(stream: IO[bytes], path: str) -> GraphcutError:
    """Return the error for a zip archive or an HDF5 file, with what it holds."""
    stream.seek(0)
    is_zip = stream.read(4) == ZIP
    keras_file = read(stream)
    if keras_file is None:
        return GraphcutError(
            "%s is %s\nIf it is a part of a Keras model, load it with Keras and audit the model itself."
            % (
                printable(path),
                _zip_without_model(stream) if is_zip else "an HDF5 file of weights, without a model or a graph",
            )
        )
    return KerasFileError("%s is %s\n%s" % (printable(path), _describe(keras_file), _NO_GRAPH))


def _zip_without_model(stream: IO[bytes]) -> str:
    """Describe a zip archive that holds no Keras model, by the names in it."""
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()[:_NAMES]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
        names = []
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch archive, which holds pickles and no TensorFlow graph"
    if names and all(name.endswith(".npy") for name in names):
        return "an archive of NumPy arrays, which hold no graph"
    return "a zip archive that holds no Keras model"


def read(stream: IO[bytes]) -> Optional[KerasFile]:
    """Return the facts about the Keras model in a zip archive or an HDF5 file; ``None`` if there is no model."""
    stream.seek(0)
    try:
        return _of_zip(stream) if stream.read(4) == ZIP else _of_hdf5(stream)
    except (zipfile.BadZipFile, ValueError, KeyError, OSError, RecursionError, NotImplementedError, RuntimeError, EOFError):
        return None


def layers(model: Any) -> Iterator[Dict[str, Any]]:
    """Yield every layer of a configuration, those of inner models included."""
    waiting: List[Any] = [model]
    while waiting:
        each = waiting.pop()
        config = each.get("config") if isinstance(each, dict) else None
        inner = config.get("layers") if isinstance(config, dict) else config  # an old Sequential is a list
        if isinstance(inner, list):
            waiting.extend(reversed(inner))
        elif isinstance(config, dict) and each.get("class_name") != "InputLayer":
            yield each


def holds_code(keras_file: KerasFile) -> bool:
    """Return whether the configuration holds Python functions, which would run when the model is built."""
    waiting: List[Any] = [keras_file.model, keras_file.compiled]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if any(each.get(key) in _CODE for key in ("class_name", "function_type")):
                return True
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return False


def _of_zip(stream: IO[bytes]) -> Optional[KerasFile]:
    with zipfile.ZipFile(stream) as archive:
        model = _json_in(archive, "config.json")
        if not isinstance(model, dict) or "class_name" not in model:
            return None
        about = _json_in(archive, "metadata.json") if "metadata.json" in archive.namelist() else {}
    return KerasFile(model, _dict(model.get("compile_config")), str(_dict(about).get("keras_version", "")))


def _json_in(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(name) as stream:
        data = stream.read(_MOST + 1)
    if len(data) > _MOST:
        raise ValueError("the configuration is too large")
    return json.loads(data.decode())


def _of_hdf5(stream: IO[bytes]) -> Optional[KerasFile]:
    """Return the JSON texts that Keras stores as attributes in an HDF5 file; each is stored in one piece."""
    stream.seek(0)
    data = stream.read(_MOST)
    model = _json_at(data, b'{"class_name":')
    return None if model is None else KerasFile(model, _dict(_json_at(data, b'{"loss":')), "")


def _json_at(data: bytes, start: bytes) -> Optional[Dict[str, Any]]:
    place = data.find(start)
    if place < 0:
        return None
    end = data.find(b"\0", place)
    text = io.TextIOWrapper(io.BytesIO(data[place : end if end > 0 else None]), encoding="utf-8", errors="replace").read()
    return _dict(json.JSONDecoder().raw_decode(text)[0])


def _dict(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _describe(keras_file: KerasFile) -> str:
    listed = list(layers(keras_file.model))
    frozen = [_name(each) for each in listed if _dict(each.get("config")).get("trainable") is False]
    description = "a Keras model (%s) of %d layers" % (
        printable(str(keras_file.model.get("class_name")), 40)[1:-1],
        len(listed),
    )
    if frozen:
        shown = ", ".join(printable(each, 40) for each in frozen[:_SHOWN])
        description += ", %d frozen: %s%s" % (len(frozen), shown, ", …" if len(frozen) > _SHOWN else "")
    return description + ("; it was compiled" if keras_file.compiled else "; it was not compiled")


def _name(layer: Any) -> str:
    return str(_dict(layer.get("config")).get("name", layer.get("class_name")))
