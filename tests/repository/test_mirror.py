"""``tests/unit`` is laid out as the package is: what tests ``graph/names.py`` is ``tests/unit/graph/test_names.py``.

A module that no file there is named for is listed here, with the tests that judge it.
"""

from __future__ import annotations

import pytest

from tests.repository.measure import ROOT, functions, modules

PACKAGE, UNIT = ROOT / "graphcut", ROOT / "tests" / "unit"

# Tests of what several modules do together.
OF_SEVERAL = ("render/picture/test_properties.py", "render/picture/test_same_bytes.py")

NO_LOGIC = ("__init__", "analysis/request", "render/protocols")

# A folder stands for all modules in it. TensorFlow judges what it can.
JUDGED_BY = {
    "analysis/barrier_edges": "unit/analysis/test_live_routes.py",
    "analysis/branch_conditions": "unit/analysis/test_live_routes.py",
    "analysis/fewest_barriers": "unit/analysis/test_verdicts.py",
    "analysis/findings": "against_tensorflow/scenarios/test_table.py",
    "analysis/flow_edges": "unit/analysis/test_live_routes.py",
    "analysis/graph_edits": "against_tensorflow/live/questions/test_what_if.py",
    "analysis/idioms": "against_tensorflow/questions/test_idioms.py",
    "analysis/idle_updates": "against_tensorflow/live/test_updates_that_move.py",
    "analysis/left_out": "against_tensorflow/steps/test_left_out.py",
    "analysis/raising_ops": "unit/analysis/test_verdicts.py",
    "analysis/reachability": "unit/analysis/test_verdicts.py",
    "analysis/reasons/loss_terms": "against_tensorflow/scenarios/test_routes.py",
    "analysis/reasons/reason": "unit/render/text/test_explain.py",
    "analysis/reasons/routes": "against_tensorflow/scenarios/test_routes.py",
    "analysis/regions/disjoint": "against_tensorflow/scenarios/test_zeros.py",
    "analysis/regions/slicing": "against_tensorflow/scenarios/test_zeros.py",
    "analysis/regions/transfer": "against_tensorflow/scenarios/test_zeros.py",
    "analysis/rules/constant_zeros": "against_tensorflow/scenarios/test_zeros.py",
    "analysis/rules/control_flow": "against_tensorflow/scenarios/test_control_flow.py",
    "analysis/rules/evidence": "against_tensorflow/training_files/test_evidence.py",
    "analysis/rules/float_twins": "against_tensorflow/questions/test_float_twins.py",
    "analysis/rules/lookup": "against_tensorflow/oracle",
    "analysis/rules/op_overlay": "against_tensorflow/oracle/test_op_overlay.py",
    "analysis/rules/oracle": "against_tensorflow/oracle",
    "analysis/rules/pattern": "unit/analysis/rules/test_from_reply.py",
    "analysis/rules/trainable_tensors": "against_tensorflow/oracle",
    "analysis/sparse_gradients": "against_tensorflow/scenarios/test_operations.py",
    "analysis/stop_roles": "against_tensorflow/scenarios/test_stops.py",
    "analysis/tape_record": "against_tensorflow/steps/test_tapes.py",
    "analysis/tape_replay": "against_tensorflow/steps/test_tapes.py",
    "analysis/v1_loops": "against_tensorflow/scenarios/test_control_flow.py",
    "analysis/waypoints": "against_tensorflow/questions/test_reach.py",
    "api/analyze": "against_tensorflow/live/test_live.py",
    "api/audit": "against_tensorflow/live/test_live.py",
    "api/audit_step": "against_tensorflow/steps/test_recording.py",
    "api/cell_magic": "against_tensorflow/watch/test_cell_magic.py",
    "api/choose_oracle": "unit/analysis/rules/test_gradient_table.py",
    "api/compare": "against_tensorflow/live/questions/test_matching.py",
    "api/install": "against_tensorflow/watch/test_install.py",
    "api/precomputed_values": "against_tensorflow/steps/test_precomputed_values.py",
    "api/suggest/layer_stops": "against_tensorflow/live/questions/test_layer_stops.py",
    "api/load": "unit/graph/formats/test_reader.py",
    "api/known_variables": "against_tensorflow/contracts/test_check.py",
    "api/loss_table": "against_tensorflow/questions/test_table.py",
    "api/match_variables": "against_tensorflow/live/questions/test_matching.py",
    "api/op_gradients": "unit/cli/test_ops_command.py",
    "api/refuse_step": "against_tensorflow/steps/test_ways_in.py",
    "api/select": "against_tensorflow/live/test_keys.py",
    "api/step_audits": "against_tensorflow/watch/test_cell_magic.py",
    "api/suggest/confirm": "against_tensorflow/live/questions/test_edits.py",
    "api/suggest/expressions": "against_tensorflow/live/questions/test_edits.py",
    "api/suggest/other_losses": "against_tensorflow/live/questions/test_other_losses.py",
    "api/suggest/stops": "against_tensorflow/live/questions/test_suggest.py",
    "api/suggest/straight_through": "against_tensorflow/live/questions/test_straight_through.py",
    "api/suggest/tape_edits": "against_tensorflow/scenarios/test_suggested_code.py",
    "api/suggest/use_stops": "against_tensorflow/live/questions/test_other_losses.py",
    "api/suggest/unblock": "against_tensorflow/questions/test_unblock.py",
    "api/survey": "processes/test_survey.py",
    "api/verify": "against_tensorflow/live/questions/test_verify.py",
    "api/watch": "against_tensorflow/watch",
    "api/what_if": "against_tensorflow/live/questions/test_what_if.py",
    "backend": "against_tensorflow",
    "cli/__init__": "processes/test_main.py",
    "cli/audit_command": "unit/cli/test_commands.py",
    "cli/contract_commands": "against_tensorflow/contracts/test_command_line.py",
    "cli/doctor_command": "repository/test_repository.py",
    "cli/draw_command": "unit/cli/test_commands.py",
    "cli/draw_options": "unit/cli/test_commands.py",
    "cli/source_options": "unit/cli/test_commands.py",
    "cli/audit_source": "unit/cli/test_commands.py",
    "cli/run_command": "against_tensorflow/watch/test_scripts.py",
    "cli/standard_output": "processes/test_main.py",
    "cli/suggest_command": "against_tensorflow/live/questions/test_suggest_command.py",
    "cli/survey_command": "processes/test_survey.py",
    "cli/table_command": "unit/cli/test_explain_command.py",
    "contracts/check": "against_tensorflow/contracts/test_check.py",
    "contracts/contract_rules": "against_tensorflow/contracts/test_check.py",
    "contracts/definition": "unit/contracts/test_config_file.py",
    "contracts/diff_sides": "unit/contracts/test_diff.py",
    "contracts/reports": "unit/contracts/test_reports.py",
    "contracts/snapshot": "unit/contracts/test_first_contracts.py",
    "contracts/source_audits": "unit/contracts/test_diff.py",
    "graph/backward_part": "against_tensorflow/training_files",
    "graph/flatten/calls": "unit/graph/flatten/test_inline_calls.py",
    "graph/flatten/function_body": "unit/graph/flatten/test_inline_calls.py",
    "graph/flatten/input_names": "robustness/test_graphs.py",
    "graph/flatten/op_kinds": "unit/graph/flatten/test_inline_calls.py",
    "graph/formats/keras_files": "against_tensorflow/live/test_keras_files.py",
    "graph/formats/raw_bytes": "robustness/test_formats.py",
    "graph/formats/remote_files": "unit/graph/formats/test_reader.py",
    "graph/loss_scaling": "against_tensorflow/training_files/test_sums.py",
    "graph/loss_sums": "against_tensorflow/training_files/test_sums.py",
    "graph/loaded": "unit/graph/formats/test_reader.py",
    "graph/op_outputs": "unit/graph/flatten/test_inline_calls.py",
    "graph/to_networkx": "unit/graph/flatten/test_inline_calls.py",
    "graph/variable_updates": "against_tensorflow/live/test_updates_that_move.py",
    "graph/variables": "against_tensorflow/live/test_default_variables.py",
    "keras": "against_tensorflow/watch/test_audit_callback.py",
    "pytest_plugin": "against_tensorflow/contracts",
    "render/page": "browser",
    "render/picture/barrier_marks": "unit/render/picture/test_select_ops.py",
    "render/picture/change_notes": "unit/contracts/test_diff.py",
    "render/picture/coarsen": "unit/render/picture/test_properties.py",
    "render/picture/layout": "processes/test_layout_engines.py",
    "render/picture/ops": "unit/render/picture/test_select_ops.py",
    "render/picture/quotient": "unit/render/picture/test_properties.py",
    "render/picture/style": "unit/render/test_palette.py",
    "render/picture/svg_layout": "unit/render/picture/writers/test_svg_legend.py",
    "render/picture/tooltips": "processes/test_layout_engines.py",
    "render/picture/writers/edge_labels": "processes/test_layout_engines.py",
    "render/picture/writers/font_metrics": "processes/test_layout_engines.py",
    "render/picture/writers/legend_samples": "unit/render/picture/writers/test_svg_legend.py",
    "render/picture/writers/mermaid": "unit/render/picture/writers/test_graphml.py",
    "render/text/loss_table_formats": "against_tensorflow/questions/test_table.py",
    "render/text/missing_gradient": "against_tensorflow/steps/test_starts.py",
    "render/text/plain_table": "unit/render/text/test_summary.py",
    "render/text/route_line": "unit/render/text/test_explain.py",
    "render/text/terminal_table": "processes/test_terminal_table.py",
    "render/text/survey_table": "processes/test_survey.py",
    "testing": "against_tensorflow/contracts/test_check.py",
    "util/isolate_output": "processes/test_main.py",
}


def name_of(path):
    """Return ``graph/names`` for a module or its test, and ``graph`` for the package's ``__init__``."""
    parts = [part for part in path.with_suffix("").parts if part != "__init__"]
    return "/".join(parts) or "__init__"


MODULES = {name_of(path.relative_to("graphcut")): functions(tree) for path, tree in modules().items()}
TESTED = {
    name_of(path.with_name(path.name[len("test_") :])): path
    for path in (path.relative_to(UNIT) for path in UNIT.rglob("test_*.py"))
    if path.as_posix() not in OF_SEVERAL
}


def listed(module):
    """The entry of ``JUDGED_BY`` that a module is in, if any."""
    parts = module.split("/")
    if module + "/__init__" in JUDGED_BY:
        return module + "/__init__"
    return next((name for name in ("/".join(parts[:end]) for end in range(len(parts), 0, -1)) if name in JUDGED_BY), None)


def test_each_file_is_named_for_a_module():
    names = {name_of(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")}
    assert [str(path) for name, path in TESTED.items() if name not in names] == []


@pytest.mark.parametrize("module", [name for name, found in MODULES.items() if found])
def test_each_module_with_functions_has_a_test(module):
    assert module in TESTED or module in NO_LOGIC or module == "__main__" or listed(module)


@pytest.mark.parametrize("module, tests", JUDGED_BY.items())
def test_what_is_listed_is_there_and_has_no_file_of_its_own(module, tests):
    assert (PACKAGE / module).is_dir() or (PACKAGE / (module + ".py")).is_file()
    assert (ROOT / "tests" / tests).exists() and module not in {name for name in TESTED if not (PACKAGE / name).is_dir()}
