"""What holds for the config of every lesson."""

import importlib
import re
from pathlib import Path

import pytest

from study_classification.config import find_config, flatten
from study_classification.config_effects import chosen_fields
from study_classification.config_rules import validate
from study_classification.configs import default, lessons
from study_classification.studies.grid import checked_sweep

FILES = sorted(path for path in Path(lessons.__path__[0]).glob("*.py") if path.stem != "__init__")


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def lesson(request):
    return importlib.import_module(f"study_classification.configs.lessons.{request.param.stem}")


def test_it_is_valid_shrinks_and_says_what_to_expect(lesson):
    for arguments in ("", "runlocal", "epochs=3"):
        config = lesson.get_config(arguments)
        validate(config, chosen_fields(config, default.get_config(), ()))
        assert flatten(config).keys() == flatten(default.get_config()).keys()
        if hasattr(lesson, "sweep"):
            checked_sweep(lesson.sweep(), config)
    assert lesson.get_config("runlocal").total_epochs <= 2 and lesson.get_config("epochs=3,runlocal").total_epochs == 3
    name = Path(lesson.__file__).name
    assert re.match(r"Lesson \d+\b", lesson.__doc__) and "?" in lesson.__doc__
    for word in (f"configs/lessons/{name}", "\nCOMMAND ", "\nTIME ", "\nRESULT ", "(measured"):
        assert word in lesson.__doc__


def test_it_is_found_from_anywhere(lesson, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = Path(lesson.__file__)
    assert find_config(f"lessons/{file.stem}") == find_config(f"configs/lessons/{file.name}") == file


def test_the_map_of_the_lessons_is_complete():
    mapped = re.findall(r"^(\w+)\.py  ", lessons.__doc__, re.MULTILINE)
    assert sorted(mapped) == [file.stem for file in FILES]
