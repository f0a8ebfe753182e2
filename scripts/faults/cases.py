"""What was tried and what came of it: one case, and the table of many."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from program import EQUAL, SENTENCE, VERDICTS

SKIPPED = "skipped"


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        fault: its kind, a row of the table.
        what: which one it was, so that it can be found again.
        verdict: one of `program.VERDICTS`, or SKIPPED.
        note: what was said, or what differs, or why it was skipped.
        count: how many faults these are.
    """

    fault: str
    what: str
    verdict: str
    note: str = ""
    count: int = 1

    @property
    def bad(self) -> bool:
        return self.verdict not in (EQUAL, SENTENCE, SKIPPED) and self.count > 0


def to_markdown(cases: Sequence[Case]) -> str:
    """A row for each kind of fault, with how many of its cases came to what."""
    lines = [f"| fault | tried | {' | '.join(VERDICTS)} |", "|" + "---|" * (2 + len(VERDICTS))]
    for fault in dict.fromkeys(case.fault for case in cases):
        own = [case for case in cases if case.fault == fault]
        counts: Counter[str] = Counter()
        for case in own:
            counts[case.verdict] += case.count
        if counts[SKIPPED]:
            lines.append(f"| {fault} | skipped: {own[0].note} |{' |' * len(VERDICTS)}")
        else:
            lines.append(
                f"| {fault} | {counts.total():,} | {' | '.join(f'{counts[verdict]:,}' for verdict in VERDICTS)} |"
            )
    return "\n".join(lines) + "\n"


def write_csv(cases: Iterable[Case], file: Path) -> None:
    """Every case."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["fault", "what", "verdict", "count", "note"])
        writer.writerows([case.fault, case.what, case.verdict, case.count, case.note] for case in cases)
