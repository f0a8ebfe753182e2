import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError, RunError
from study_classification.paths import RUN_FILES
from study_classification.studies import folder as folders
from study_classification.studies.space import Choice, Range


def begun(folder, config, space):
    folders.begin(folder, "search", config, space, True)
    return folders.read(folder)


def test_the_same_study_is_gone_on_with(tmp_path):
    config, space = default.get_config(), {"model.hidden": Choice((8,), (4,)), "seed": Range(0, 3)}
    assert folders.read(tmp_path / "new") is None
    known = begun(tmp_path / "new", config, space)
    assert known["higher_is_better"] is True
    config.data.workers, config.data.cache_dir = 3, "elsewhere"  # another machine
    folders.require_same(tmp_path / "new", known, "search", config, space)


@pytest.mark.parametrize(
    ("kind", "changes", "space", "sentence"),
    [
        ("sweep", {}, {"seed": Range(0, 3)}, "holds a search, not a sweep: give another --study"),
        ("search", {"batch_size": 8}, {"seed": Range(0, 3)}, "holds a study with batch_size=32, not 8: give the same"),
        (
            "search",
            {},
            {"seed": Range(0, 4)},
            "seed in Range(low=0, high=3, log=False), not Range(low=0, high=4, log=False): give the same",
        ),
        ("search", {}, {"batch_size": Choice(1)}, "batch_size in None, not Choice(values=(1,)); seed in Range"),
    ],
)
def test_another_study_is_refused(tmp_path, kind, changes, space, sentence):
    config = default.get_config()
    known = begun(tmp_path, config, {"seed": Range(0, 3)})
    config.update(changes)
    with pytest.raises(RunError) as raised:
        folders.require_same(tmp_path, known, kind, config, space)
    assert sentence in str(raised.value)


def test_a_file_is_no_study(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="/file is not a folder: give another --study"):
        folders.read(tmp_path / "file")


def test_a_field_that_an_earlier_version_did_not_have_is_named(tmp_path):
    config = default.get_config()
    known = begun(tmp_path, config, {"seed": Range(0, 3)})
    del known["config"]["batch_size"]
    with pytest.raises(RunError, match="holds a study with batch_size=None, not 32: give the same"):
        folders.require_same(tmp_path, known, "search", config, {"seed": Range(0, 3)})


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "3", "{}", '{"kind": 3}', '{"kind": 3, "config": {}}',
        '{"kind": "search", "config": 5, "space": {}, "higher_is_better": true}',
        '{"kind": "search", "config": {}, "space": {}, "higher_is_better": true}',
        '{"kind": "search", "config": {"monitor": ""}, "space": [], "higher_is_better": true}',
    ],
)  # fmt: skip
def test_a_damaged_description_is_named(tmp_path, text):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(RunError, match=r"study.json cannot be read \(.*\): restore it, or give another --study"):
        folders.read(tmp_path)


def test_no_study_in_a_run_or_on_a_bucket(tmp_path):
    for name in RUN_FILES:
        (tmp_path / name).touch()
    with pytest.raises(RunError, match="is the directory of a run: give another --study"):
        folders.read(tmp_path)
    with pytest.raises(ConfigError, match="nothing can be locked"):
        folders.read("gs://bucket/study")
