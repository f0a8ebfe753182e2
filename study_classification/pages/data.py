"""The page of `check`: what is in a source of images, with thumbnails of what looks odd."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from study_classification.data.examine import Examined, Seen
from study_classification.data.items import SPLITS
from study_classification.data.report import ALIKE, FINDINGS, ODD
from study_classification.inputs.images.decode import UnreadableImage, decode_image
from study_classification.language.translate import translated
from study_classification.pages.page import image, render

SHOWN = 12  # images of a kind, and groups of one
OF_A_GROUP = 4  # images of a group


@dataclass(frozen=True)
class Thumbnail:
    """An image, its name and what is to be said of it."""

    picture: Markup
    name: str
    note: str


@dataclass(frozen=True)
class Section:
    """One kind of finding.

    Attributes:
        title: as the terminal says it.
        groups: of images, those that are shown.
        lines: names, where there is nothing to see.
        more: how many are not shown.
    """

    title: str
    groups: list[list[Thumbnail]]
    lines: list[str]
    more: int = 0


def data_page(examined: Examined) -> str:
    """The page as HTML, in the language that the program speaks."""
    report = examined.report
    by_name = {
        seen.item.name: (seen, SPLITS[split]) for seen, split in zip(examined.seen, examined.splits, strict=True)
    }

    def thumbnails(names: Iterable[str], notes: dict[str, str]) -> list[Thumbnail]:
        return [_thumbnail(*by_name[name], notes.get(name, "")) for name in names]

    sections = [
        Section(_title(heading, report[kind]), [thumbnails(list(report[kind])[:SHOWN], report[kind])], [],
                max(len(report[kind]) - SHOWN, 0))
        for kind, heading in ODD.items() if report[kind]
    ]  # fmt: skip
    alike = {"duplicates": "{} groups of exact duplicates:", "two_labels": "{} pictures under two labels:", **ALIKE}
    for kind, heading in alike.items():
        if found := report[kind]:
            groups = [thumbnails(names[:OF_A_GROUP], {}) for names in found[:SHOWN]]
            sections.append(Section(_title(heading, found), groups, [], max(len(found) - SHOWN, 0)))
    lists = {"unreadable": "{} unreadable, left out:", **FINDINGS}
    listed = [
        Section(_title(heading, report[kind]), [], _lines(report[kind]))
        for kind, heading in lists.items()
        if report[kind]
    ]
    counts = {name: sum(of_class.values()) for name, of_class in report["classes"].items()}
    return render(
        "data.html", report=report, counts=counts, largest=max(counts.values()), splits=SPLITS, sections=sections,
        listed=listed, hidden=len(report["hidden"]),
    )  # fmt: skip


def _title(heading: str, found) -> str:
    return translated(f"  {heading.format(len(found))}").strip().rstrip(":：")


def _lines(found) -> list[str]:
    return [f"{name}: {reason}" for name, reason in found.items()] if isinstance(found, dict) else list(found)


def _thumbnail(seen: Seen, split: str, note: str) -> Thumbnail:
    try:
        picture = image(decode_image(seen.item.read()), seen.item.name)
    except (OSError, UnreadableImage):  # it was there a moment ago
        picture = Markup("")
    return Thumbnail(picture, seen.item.name, ", ".join(filter(None, (seen.item.label, split, note))))
