import json
import sys
import time

from study_classification.runs.environment import read_environment, write_environment


def test_what_a_run_was_computed_with(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "x.main", "train", "--config=x"])
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2026, 1, 31, 9, 30, 15, 5, 31, 0)))
    write_environment(tmp_path)
    found = read_environment(tmp_path)
    assert found == json.loads((tmp_path / "environment.json").read_text())
    assert found["time"] == "2026-01-31T09:30:15Z"
    assert found["command"] == ["python", "-m", "x.main", "train", "--config=x"]
    assert found["devices"] == ["cpu"]
    of_this_process = {name: sys.modules[name].__version__ for name in ("jax", "numpy")}
    assert {name: found["packages"][name] for name in of_this_process} == of_this_process
    assert {"flax", "optax", "pillow", "orbax-checkpoint", "study-classification"} <= found["packages"].keys()
