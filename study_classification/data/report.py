"""Turns the report of a data source into text."""

from collections import Counter
from collections.abc import Mapping, Sequence

from study_classification.data.items import SPLITS
from study_classification.system.console import display_width, pad

IMBALANCE = 3  # largest class / smallest class above which the report warns
# kind of finding in a listing -> its heading, with the number of findings
FINDINGS = {
    "without_class": "{} pictures without a class (they lie beside the class folders), left out:",
    "not_images": "{} not pictures, left out:",
    "special_files": "{} pipes, devices or sockets, left out:",
    "run_directories": "{} folders that this program has made, passed over:",
    "endless_links": "{} links to a folder above them, not followed:",
    "empty_classes": "{} class folders without pictures, left out:",
    "merged_classes": "{} classes whose name is spelt in several ways, taken together:",
    "similar_classes": "{} groups of class names that differ in case, blanks or width alone, perhaps of one class:",
    "look_like_splits": "{} folders taken for classes, though all hold the same folders: if those are the classes, "
    "name these train, validation and test, or give one of them as the data source:",
}
# kind of group of names with the same pixels -> its heading, with the number of groups and the noun
EXACT = {
    "duplicates": "{} groups of exact duplicates:",
    "two_labels": "{} {} under two labels:",
    "in_two_splits": "{} {} in two splits, so the test is not blind:",
}
# what only `check` finds: groups of names, and names with a number
ALIKE = {
    "near_duplicates": "{} groups of pictures that look alike:",
    "near_under_two_labels": "{} groups of pictures that look alike, under two labels:",
    "near_in_two_splits": "{} groups of pictures that look alike, in two splits, so the test is not blind "
    "(--config.data.group_near_duplicates keeps them together):",
}
ODD = {
    "dark": "{} dark pictures (mean grey level, of 255):",
    "blurred": "{} blurred pictures (variance of the Laplacian; sharp ones have hundreds):",
    "tiny": "{} tiny pictures:",
    "odd_shaped": "{} pictures that are more than three times as long as wide, or as wide as long:",
    "turned": "{} pictures that lie until their EXIF tag turns them, as this program does and others may not:",
}
BAR = 30  # characters of the longest bar


def format_report(report: dict, bars: bool = False) -> str:
    """The data report as a few lines of text, with the first three entries of long lists.

    Args:
        report: of `prepare`, or of `examine`.
        bars: whether to draw the count of each class as a bar.
    """
    noun = report.get("noun", "pictures")
    lines = _classes(report["classes"], noun, bars) if report["classes"] else _numbers(report["numbers"], noun)
    return "\n".join(lines + list_findings(report))


def list_findings(report: dict) -> list[str]:
    """Lines about what was left out or looks wrong, with the first three entries of long lists."""
    noun, lines = report.get("noun", "pictures"), list[str]()

    def some(heading: str, entries: Sequence[str] | None) -> None:
        if entries:
            lines.append(f"  {heading.format(len(entries), noun)}")
            lines.extend(f"    {entry}" for entry in entries[:3])
            if len(entries) > 3:
                lines.append("    ... (all of them in data_report.json)")

    some("{} unreadable, left out:", [f"{name}: {reason}" for name, reason in report["unreadable"].items()])
    for kind, heading in FINDINGS.items():
        some(heading, report.get(kind))
    for kind, heading in (EXACT | ALIKE).items():
        some(heading, [" = ".join(names) for names in report.get(kind, ())])
    for kind, heading in ODD.items():
        some(heading, [f"{name}: {number}" for name, number in report.get(kind, {}).items()])
    if report["hidden"]:
        lines.append(f"  {len(report['hidden'])} hidden files or folders skipped")
    return lines


def _classes(report: Mapping[str, Mapping[str, int]], noun: str, bars: bool) -> list[str]:
    classes = {name: sum(counts.values()) for name, counts in report.items()}
    total = sum(classes.values())
    splits = Counter[str]()
    for counts in report.values():
        splits.update(counts)
    lines = [f"{total:,} {noun} in {len(classes)} classes: {_sizes(splits)}"]
    width = max(map(display_width, classes))
    shown = list(classes.items())[:20]
    longest = max(classes.values())
    lines += [
        f"  {pad(name, width)}  {count:7,}  {count / total:6.1%}{'  ' + _bar(count / longest) if bars else ''}"
        for name, count in shown
    ]
    if len(classes) > len(shown):
        lines.append(f"  ... and {len(classes) - len(shown)} more classes")
    largest, smallest = max(classes, key=classes.__getitem__), min(classes, key=classes.__getitem__)
    if classes[largest] > IMBALANCE * classes[smallest]:
        lines.append(
            f"  Imbalance: {largest} has {classes[largest] / classes[smallest]:.1f} times as many {noun} as "
            f"{smallest}; look at the recall of each class, not at the accuracy alone"
        )
    return lines


def _bar(share: float) -> str:
    return "█" * max(round(BAR * share), 1)


def _numbers(report: Mapping[str, Mapping[str, float]], noun: str) -> list[str]:
    splits = {name: int(numbers["pictures"]) for name, numbers in report.items()}
    lines = [f"{sum(splits.values()):,} {noun}, each with a number: {_sizes(splits)}"]
    lines += [
        f"  {name:<10}  {numbers['lowest']:g} to {numbers['highest']:g}, mean {numbers['mean']:g}, "
        f"standard deviation {numbers['deviation']:g}"
        for name, numbers in report.items()
    ]
    return lines


def _sizes(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{splits.get(name, 0):,} {name}" for name in SPLITS)
