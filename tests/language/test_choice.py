import locale

import pytest

from study_classification.language.choice import choose_language


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {"LANG": "ja_JP.UTF-8"}, "ja"),
        ([], {"LANG": "en_US.UTF-8"}, "en"),
        ([], {"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "C"}, "en"),
        ([], {"LC_ALL": "ja_JP", "LC_MESSAGES": "de_DE", "LANG": "de_DE"}, "ja"),
        ([], {"LC_ALL": "", "LANG": "ja"}, "ja"),
        (["train", "--lang=ja"], {"LANG": "C"}, "ja"),
        (["--lang", "en", "train"], {"LANG": "ja_JP.UTF-8"}, "en"),
        (["-lang=ja"], {"LANG": "C"}, "ja"),
        (["--lang=fr"], {"LANG": "ja_JP.UTF-8"}, "ja"),
        (["--lang"], {"LANG": "C"}, "en"),
        (["predict", "--", "--lang=ja"], {"LANG": "C"}, "en"),
    ],
)
def test_the_flag_decides_and_then_the_locale(arguments, environment, language):
    assert choose_language(arguments, environment) == language


@pytest.mark.parametrize(("found", "language"), [("Japanese_Japan", "ja"), ("English_Australia", "en"), (None, "en")])
def test_where_no_variable_is_set_python_knows_the_locale(monkeypatch, found, language):
    monkeypatch.setattr(locale, "getlocale", lambda: (found, "932"))
    assert choose_language([], {}) == language


def test_a_locale_that_python_does_not_know_is_english(monkeypatch):
    def unknown():
        raise ValueError("unknown locale: UTF-8")

    monkeypatch.setattr(locale, "getlocale", unknown)
    assert choose_language([], {}) == "en"
