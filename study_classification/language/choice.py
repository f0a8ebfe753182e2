"""Chooses the language: by --lang, else by the locale, else English."""

import contextlib
import locale
import os
from collections.abc import Mapping, Sequence

LANGUAGES = ("en", "ja")


def choose_language(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """The language of a command line, one of LANGUAGES. It is chosen before the arguments are checked.

    Args:
        arguments: the arguments of the program; --lang=ja or --lang ja decides.
        environment: the variables of the locale; the first that is set decides, as in POSIX.
    """
    for place, text in enumerate(arguments):
        if text == "--":
            break
        name, has_value, value = text.partition("=")
        if name in ("--lang", "-lang"):
            asked = value if has_value else "".join(arguments[place + 1 : place + 2])
            if asked in LANGUAGES:
                return asked
    return "ja" if _of_locale(environment).lower().startswith("ja") else "en"


def _of_locale(environment: Mapping[str, str]) -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return environment[name]
    with contextlib.suppress(ValueError):  # a locale that Python does not know
        return locale.getlocale()[0] or ""  # as on Windows, which has no such variables: Japanese_Japan
    return ""
