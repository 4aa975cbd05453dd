"""A survey audits each file once, whatever happens to the files, to its workers and to itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import graphcut
from graphcut import GraphcutError
from graphcut.api.survey import dask_cluster, file_audit, worker_processes
from graphcut.api.survey.survey import find_files
from graphcut.cli import main
from graphcut.render.text.survey_table import survey_table
from tests.repository.measure import ROOT
from tests.robustness import making
from tests.unit.graph.text import message

DOCUMENT = (Path(ROOT) / "fixtures" / "documents" / "003.meta").read_bytes()
# A worker that is killed at each file with "deadly" in its name.
MORTAL = """
import os, signal
from graphcut.api.survey import worker

def audit_file(path, question):
    if "deadly" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    return before(path, question)

before, worker.audit_file = worker.audit_file, audit_file
worker.main()
"""


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A folder with ten good files, a damaged one and an empty one; its parent is the working directory."""
    (tmp_path / "models").mkdir()
    for index in range(10):
        (tmp_path / "models" / ("good%d.meta" % index)).write_bytes(DOCUMENT)
    (tmp_path / "models" / "damaged.meta").write_bytes(DOCUMENT[:1000])
    (tmp_path / "models" / "empty.meta").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models"


def lines(folder):
    """What the journal says of each file, in order."""
    return [json.loads(line) for line in (Path(folder) / "survey.jsonl").read_text().splitlines()[1:]]


def by_status(found):
    return sorted((each.path.rpartition("/")[2], each.status) for each in found.files if each.status != "audited")


def test_one_bad_file_never_stops_the_others(registry):
    found = graphcut.survey("models/*.meta", "out", jobs=2)
    assert by_status(found) == [("damaged.meta", "refused"), ("empty.meta", "refused")]
    assert [each.verdicts for each in found.files if each.status == "audited"] == [{"flows": 1, "none": 1}] * 10
    assert sorted(each["path"] for each in lines("out")) == [each.path for each in found.files]
    assert str(found).endswith("12 files: 10 audited, 10 with variables that get no gradient; 2 refused")


def test_an_unused_variable_is_counted_as_such(tmp_path):
    path = tmp_path / "unused.pb"
    path.write_bytes(
        message("w = VarHandleOp()\nv = VarHandleOp()\nread = ReadVariableOp(w)\nloss = Sum(read)").SerializeToString()
    )
    found, _ = file_audit.audit_file(str(path), {"loss": ["loss"]})
    assert found.barriers == {"unused": 1} and "unused 1" in survey_table([found])


def test_a_worker_that_is_killed_costs_its_file_alone(registry, monkeypatch):
    monkeypatch.setattr(worker_processes, "COMMAND", (sys.executable, "-c", MORTAL))
    for index in range(2):
        (registry / ("deadly%d.meta" % index)).write_bytes(DOCUMENT)
    found = graphcut.survey("models/*y*.meta", "out", jobs=1)
    assert by_status(found) == [("deadly0.meta", "lost"), ("deadly1.meta", "lost"), ("empty.meta", "refused")]
    assert "killed (SIGKILL), perhaps for want of memory" in found.files[0].error


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_file_that_takes_too_long_is_lost(registry, tmp_path):
    os.mkfifo(str(tmp_path / "models" / "pipe.pb"))
    (found,) = graphcut.survey("models/pipe.pb", "out", timeout=0.8).files
    assert (found.status, found.error) == ("lost", "took more than 0.8 s")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_a_file_that_takes_too_much_memory_costs_itself_alone(registry):
    with open(str(registry / "huge.pb"), "wb") as stream:
        stream.write(b"\x0a\x80\x80\x80\x80\x04")  # a node of 1 GB
        stream.truncate((1 << 30) + 6)
    found = graphcut.survey(["models/huge.pb", "models/good0.meta"], "out", jobs=1, memory=700 << 20)
    assert [each.status for each in found.files] == ["audited", "refused"]
    assert "memory" in found.files[1].error


def interrupted(count):
    """Stops the survey after so many files."""

    def progress(done, total, last):
        if done == count:
            raise KeyboardInterrupt

    return progress


def test_a_survey_that_broke_off_goes_on(registry):
    with pytest.raises(KeyboardInterrupt):
        graphcut.survey("models/*.meta", "out", jobs=2, progress=interrupted(5))
    assert len(lines("out")) == 5
    with open("out/survey.jsonl", "ab") as stream:
        stream.write(b'{"path": "models/good')  # the machine went down in the middle of a line
    told = []
    found = graphcut.survey("models/*.meta", "out", jobs=2, progress=lambda done, total, last: told.append((done, total)))
    assert told == [(done, 12) for done in range(5, 13)]
    assert sorted(each["path"] for each in lines("out")) == [each.path for each in found.files]


def test_a_survey_that_is_killed_goes_on(registry):
    code = (
        "import graphcut, os, signal; graphcut.survey('models/*.meta', 'out', jobs=1, "
        "progress=lambda done, total, last: done < 4 or os.kill(os.getpid(), signal.SIGKILL))"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -9 and len(lines("out")) == 4
    found = graphcut.survey("models/*.meta", "out", jobs=1)
    assert sorted(each["path"] for each in lines("out")) == [each.path for each in found.files]


def test_a_file_that_changed_is_audited_again(registry):
    graphcut.survey("models/good[01].meta", "out", jobs=1)
    (registry / "good1.meta").write_bytes(b"")
    found = graphcut.survey("models/good[01].meta", "out", jobs=1)
    assert [each.status for each in found.files] == ["audited", "refused"]
    assert [each["path"] for each in lines("out")][2:] == ["models/good1.meta"]


def test_a_process_that_another_thread_waited_for_can_be_killed():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitpid(process.pid, 0)  # as another thread does, before it notices the end
    worker_processes._kill(process)
    assert process.wait() is not None


def test_another_question_wants_another_folder(registry):
    graphcut.survey("models/empty.meta", "out", jobs=1)
    with pytest.raises(GraphcutError, match="belongs to another survey, with other options"):
        graphcut.survey("models/empty.meta", "out", jobs=1, loss=["loss"])


def test_two_surveys_do_not_write_one_journal(registry):
    pytest.importorskip("fcntl")
    again = []

    def progress(done, total, last):
        with pytest.raises(GraphcutError, match="another survey is writing"):
            graphcut.survey("models/empty.meta", "out", jobs=1)
        again.append(done)

    graphcut.survey("models/empty.meta", "out", jobs=1, progress=progress)
    assert again == [0, 1]


def test_the_index_links_the_pages(registry):
    found = graphcut.survey("models/good0.meta", "out", pages=True)
    index = (Path("out") / "index.html").read_text()
    assert 'href="%s"' % found.files[0].page in index and "models/good0.meta" in index
    assert "graphcut" in (Path("out") / found.files[0].page).read_text()


def test_a_hostile_name_stays_a_name(registry):
    name = "models/<b onclick=x>&\x1b[31m.meta"
    try:
        Path(name).write_bytes(DOCUMENT)
    except OSError:
        pytest.skip("no such names here")
    found = graphcut.survey("models/<*.meta", "out", jobs=1)
    assert "\x1b" not in str(found) and "<b onclick" not in (Path("out") / "index.html").read_text()


def test_a_saved_model_is_one_file():
    folder = Path(ROOT) / "fixtures" / "graphs"
    found = find_files([str(folder / "saved_model"), str(folder / "**" / "saved_model.pb")])
    assert found == (str(folder / "reloaded"), str(folder / "saved_model"))


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """Two folders, each with a graph and its checkpoint, and a SavedModel, all below ``models``."""
    for folder in ("a", "b"):
        place = tmp_path / "models" / folder
        place.mkdir(parents=True)
        for name in ("checkpoint", "c.index", "c.data-00000-of-00001"):
            (place / name).write_bytes(b"values")
        (place / "c.meta").write_bytes(DOCUMENT)
    (tmp_path / "models" / "saved" / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "keras_metadata.pb", "variables/variables.index"):
        (tmp_path / "models" / "saved" / name).write_bytes(DOCUMENT)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("pattern", ["models", "models/", "models/*/", "models/**/*", "./models/**"])
def test_a_folder_stands_for_the_graph_files_below_it(pattern, checkpoints):
    found = [os.path.normpath(each) for each in find_files([pattern])]
    assert found == [os.path.normpath(each) for each in ("models/a/c.meta", "models/b/c.meta", "models/saved")]


def test_a_part_of_a_checkpoint_that_is_named_is_refused(checkpoints):
    assert find_files(["models/a/c.index"]) == ("models/a/c.index",)
    assert find_files(["models/a/*.index"]) == ("models/a/c.index",)


def test_a_folder_without_graph_files_is_an_error(tmp_path):
    with pytest.raises(GraphcutError, match="no graph file matches"):
        find_files([str(tmp_path)])


def test_a_refusal_names_the_losses_of_a_file():
    error = "the graph takes the gradients of 2 losses: 'd_loss:0', 'g_loss:0'\nName one with loss=."
    assert "of 2 losses: 'd_loss:0', 'g_loss:0'" in survey_table([file_audit.without_audit("gan.meta", "refused", error)])


def test_one_file_is_counted_as_one(registry):
    found = graphcut.survey("models/empty.meta", "out", jobs=1)
    assert str(found).endswith("1 file: 0 audited; 1 refused")


@pytest.mark.parametrize("pattern", ["models/*.pbtxt", "nowhere.meta"])
def test_a_pattern_that_fits_nothing_is_an_error(pattern, registry):
    with pytest.raises(GraphcutError, match="no graph file matches"):
        graphcut.survey(pattern, "out")


def test_the_command_prints_the_table(registry, capfd):
    assert main(["survey", "models/good*.meta", "models/empty.meta", "-o", "out", "--jobs", "1"]) == 0
    out, err = capfd.readouterr()
    assert out.splitlines()[1].split() == ["models/empty.meta", "refused", "it", "is", "empty"]
    assert "11 files: 10 audited" in out and "out/index.html" in out and err == ""


CLIPPED = {"gradient": "none", "in": ["x:float"], "out": ["y:float"], "floats": [], "defaults": {}}


def test_ops_of_packages_are_read_from_an_overlay(registry, capfd):
    graph = making.graph(making.variable("w"), making.identity("r", "w"), making.node("loss", "Package>Clip", "r"))
    (registry / "custom.pb").write_bytes(graph.SerializeToString())
    overlay = {"overlay": 1, "package": "clips", "package_version": "2.0", "ops": {"Package>Clip": CLIPPED}}
    Path("clips.json").write_text(json.dumps(overlay))
    (found,) = graphcut.survey("models/custom.pb", "out", loss=["loss"], oracle="2.21", ops="clips.json").files
    assert (found.verdicts, found.oracle) == ({"none": 1}, "TensorFlow 2.21 (gradient table and clips 2.0)")
    assert main(["survey", "models/custom.pb", "-o", "out", "--loss", "loss", "--tf", "2.21", "--ops", "clips.json"]) == 0
    Path("clips.json").write_text(json.dumps({**overlay, "package_version": "2.1"}))
    with pytest.raises(GraphcutError, match="belongs to another survey, with other options"):
        graphcut.survey("models/custom.pb", "out", loss=["loss"], oracle="2.21", ops="clips.json")
    with pytest.raises(GraphcutError, match="cannot read 'nowhere.json'"):
        graphcut.survey("models/custom.pb", "out", ops=["nowhere.json"])


def test_dask_that_is_not_installed_is_named(registry, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["survey", "models/*.meta", "--dask", "tcp://localhost:1"]) == 2
    assert "pip install graphcut[dask]" in capfd.readouterr().err


def test_a_dask_worker_that_is_killed_costs_nothing(registry, monkeypatch):
    distributed = pytest.importorskip("distributed")
    for index in range(30):
        (registry / ("more%d.meta" % index)).write_bytes(DOCUMENT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster:
        first = next(iter(cluster.workers.values()))

        def progress(done, total, last):
            if done == 10:
                first.process.process.kill()  # the nanny's, which the scheduler takes for a crash

        found = graphcut.survey("models/*.meta", "out", dask=cluster.scheduler_address, progress=progress)
    assert by_status(found) == [("damaged.meta", "refused"), ("empty.meta", "refused")] and len(found.files) == 42
    assert sorted(each["path"] for each in lines("out")) == [each.path for each in found.files]


def test_no_scheduler_is_an_error(registry, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(dask_cluster, "_PATIENCE", 0.5)
    with pytest.raises(GraphcutError, match="no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        graphcut.survey("models/*.meta", "out", dask="tcp://127.0.0.1:9")
