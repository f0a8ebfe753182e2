"""The page of `check`: what is in a source of images, with thumbnails of what looks odd."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from study_classification.data.examine import Examined, Seen
from study_classification.data.items import SPLITS
from study_classification.data.report import ALIKE, EXACT, FINDINGS, ODD
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
        Section(
            _title(heading, report[kind]),
            [thumbnails(list(report[kind])[:SHOWN], report[kind])],
            [],
            max(len(report[kind]) - SHOWN, 0),
        )
        for kind, heading in ODD.items()
        if report[kind]
    ]
    for kind, heading in (EXACT | ALIKE).items():
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
    width, height = (report["sizes"][side]["median"] for side in ("width", "height"))
    return render(
        "data.html",
        report=report,
        counts=counts,
        largest=max(counts.values()),
        size=f"{width} x {height}",
        splits=SPLITS,
        sections=sections,
        listed=listed,
        hidden=translated(f"  {len(report['hidden'])} hidden files or folders skipped").strip(),
        problem=translated(examined.problem),
    )


def _title(heading: str, found) -> str:
    return translated(f"  {heading.format(len(found), 'pictures')}").strip().rstrip(":：")


def _lines(found) -> list[str]:
    return [f"{name}: {reason}" for name, reason in found.items()] if isinstance(found, dict) else list(found)


def _thumbnail(seen: Seen, split: str, note: str) -> Thumbnail:
    try:
        picture = image(decode_image(seen.item.read()), seen.item.name)
    except (OSError, UnreadableImage):  # it was there a moment ago
        picture = Markup("")
    return Thumbnail(picture, seen.item.name, ", ".join(filter(None, (seen.item.label, split, note))))
