"""Compare the audit of a saved training graph with TensorFlow's answers when it was built."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.training_files.graphs import Record

FORMATS = ("meta", "pb")


def saved(record: Record, folder, form: str) -> str:
    """The path of the graph, written as a ``.meta`` or a ``.pb``."""
    path = str(folder / ("graph.%s" % form))
    with record.graph.as_default():
        if form == "meta":
            tf.compat.v1.train.export_meta_graph(path)
        else:
            tf.io.write_graph(record.graph.as_graph_def(), str(folder), "graph.pb", as_text=False)
    return path


def wrong_verdicts(audit: graphcut.Audit, record: Record) -> Dict[str, Tuple[str, bool]]:
    """Return the requested variables that are ``none`` without TensorFlow's ``None``, or the other way round."""
    said = {name: audit[name].verdict for name in record.answers}
    return {name: (said[name].value, given) for name, given in record.answers.items() if (said[name] is Verdict.NONE) is given}


def wrong_updates(audit: graphcut.Audit, record: Record) -> Dict[str, Optional[bool]]:
    """Return the variables whose ``is_updated`` differs from what the training ops write."""
    said = {name: audit[name].is_updated for name in record.answers}
    return {name: updated for name, updated in said.items() if bool(updated) is not (name in record.written)}
