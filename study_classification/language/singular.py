"""Of one thing English says the singular: sentences are written for several, and mended on their way out."""

import re

# What sentences count.
NOUNS = (
    "channels", "classes", "columns", "devices", "duplicates", "epochs", "examples", "features", "fields", "files",
    "folders", "groups", "hosts", "images", "labels", "layers", "numbers", "parameters", "parts", "pictures", "pixels",
    "processes", "rows", "runs", "steps", "texts", "trials", "units", "values", "views", "words",
)  # fmt: skip
# What may stand between the number and the noun.
KINDS = (
    "class",
    "hidden",
    "labelled",
    "more",
    "other",
    "smaller",
    "test",
    "tiny",
    "training",
    "unreadable",
    "validation",
)
VERBS = {"are": "is", "have": "has", "were": "was"}  # right behind it
_NOUN = "|".join(NOUNS)
_ONE = re.compile(
    rf"(?<![^\s(])(1|last 1) ((?:{'|'.join(KINDS)}) )?({_NOUN})( or (?:{_NOUN}))?(?:( that)? ({'|'.join(VERBS)}))?"
    r"(?=[\s,.;:)]|$)"
)


def in_singular(text: str) -> str:
    """A text in which 1 of something is one: `1 epochs` is `1 epoch`, `the last 1 epochs` is `the last epoch`.

    A number within a name, as in `trip/1 pictures`, or in 1.1, 21 or 1,001 is no such count.
    """
    return _ONE.sub(_one, text)


def _one(found: re.Match[str]) -> str:
    count, kind, noun, other, that, verb = found.groups(default="")
    one = "".join(each.removesuffix("es" if each.endswith("sses") else "s") for each in (noun, other))
    return f"{count.removesuffix(' 1')} {kind}{one}{that}{' ' + VERBS[verb] if verb else ''}"
