"""What tests of scripts share."""

import importlib
import sys

import pytest


@pytest.fixture
def script(request, monkeypatch):
    """name -> that module of the folder SCRIPTS of the test, whose modules import each other by their plain names."""
    folder = request.module.SCRIPTS
    monkeypatch.syspath_prepend(folder)
    yield importlib.import_module
    for name in {path.stem for path in folder.glob("*.py")} & sys.modules.keys():
        del sys.modules[name]
