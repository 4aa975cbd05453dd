"""Ops with too few or too many inputs, as in a damaged file, are refused, or judged as unknown ops."""

from __future__ import annotations

import pytest

import graphcut
from graphcut.analysis.regions.transfer import MOVES

FLOAT = 'attr { key: "T" value { type: DT_FLOAT } }'
COUNTS = "".join('attr { key: "%s" value { i: 2 } }' % name for name in ("num", "num_split", "N"))
GRAPH = """
node { name: "w" op: "VariableV2" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "shape" value { shape { dim { size: 2 } dim { size: 2 } } } } }
node { name: "read" op: "Identity" input: "w" %(float)s }
node { name: "damaged" op: "%(kind)s" %(inputs)s %(float)s %(counts)s }
node { name: "begin" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
       attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: [0, 1] } } } }
node { name: "size" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
       attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: [1, 1] } } } }
node { name: "part" op: "Slice" input: "damaged" input: "begin" input: "size" %(float)s
       attr { key: "Index" value { type: DT_INT32 } } }
"""
TAKES = {"Identity": 1, "Switch": 2, "RefSwitch": 2}  # these are refused with any other number


@pytest.mark.parametrize("count", (1, 2, 6))
@pytest.mark.parametrize("kind", sorted(kind for kind in MOVES if not kind.startswith("_")))
def test_an_op_with_the_wrong_number_of_inputs(kind, count, tmp_path):
    path = tmp_path / "graph.pbtxt"
    path.write_text(GRAPH % {"kind": kind, "inputs": 'input: "read" ' * count, "float": FLOAT, "counts": COUNTS})
    if TAKES.get(kind, count) != count:
        with pytest.raises(graphcut.GraphcutError, match="has %d inputs, its type takes %d" % (count, TAKES[kind])):
            graphcut.audit(path, loss="part")
        return
    (found,) = graphcut.audit(path, loss="part")
    assert found.verdict.value in ("flows", "conditional", "none", "raises")
