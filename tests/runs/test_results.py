import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from study_classification.errors import RunError
from study_classification.runs import results
from study_classification.system import locks


def test_a_new_evaluation_takes_the_place_of_the_old_one_of_its_name(run):
    for name, accuracy in (("test", 0.5), ("validation", 0.6), ("test", 0.7)):
        file = results.add_to_report(run.workdir, name, {"accuracy": accuracy})
    assert json.loads(file.read_text()) == {"test": {"accuracy": 0.7}, "validation": {"accuracy": 0.6}}


def test_results_of_other_checkpoints_stay(run):
    for step, accuracy in ((10, 0.1), (20, 0.2), (20, 0.25), (10, 0.15)):
        file = results.add_to_report(run.workdir, "test", {"checkpoint_step": step, "accuracy": accuracy})
    assert json.loads(file.read_text()) == {
        "test": {"checkpoint_step": 10, "accuracy": 0.15},
        "test, checkpoint=20": {"checkpoint_step": 20, "accuracy": 0.25},
    }


def test_two_evaluations_at_once_lose_no_result(run, monkeypatch):
    monkeypatch.setattr(locks, "_LOOK", 0.01)
    reading, read = threading.Barrier(2), results.read_report

    def slowly(workdir):
        report = read(workdir)
        with contextlib.suppress(threading.BrokenBarrierError):
            reading.wait(0.2)  # both would have read before one writes, if nothing kept them apart
        return report

    monkeypatch.setattr(results, "read_report", slowly)
    before = set(run.workdir.iterdir())
    with ThreadPoolExecutor(2) as threads:
        (file, _) = threads.map(lambda name: results.add_to_report(run.workdir, name, {}), ("test", "validation"))
    assert json.loads(file.read_text()) == {"test": {}, "validation": {}}
    assert set(run.workdir.iterdir()) - before == {file}


@pytest.mark.parametrize("content", ["null", "[]", "{", '{"test": 1}'])
def test_a_damaged_report_is_named(run, content):
    (run.workdir / "report.json").write_text(content)
    with pytest.raises(RunError, match=r"report\.json .*: remove it, and evaluate again"):
        results.add_to_report(run.workdir, "test", {})
    assert (run.workdir / "report.json").read_text() == content
