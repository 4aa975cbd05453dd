"""Compile graphcut/graph/graph.proto into graph.desc, the descriptor set that graphcut ships.

Needs ``grpcio-tools``. Run from the project's root: ``python tools/compile_proto.py``.
"""

from __future__ import annotations

import sys

from grpc_tools import protoc

FOLDER = "graphcut/graph"

if __name__ == "__main__":
    sys.exit(protoc.main(["protoc", "-I" + FOLDER, "--descriptor_set_out=" + FOLDER + "/graph.desc", FOLDER + "/graph.proto"]))
