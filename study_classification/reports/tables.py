"""A table with its title, as it stands in a terminal, in Markdown and on a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from study_classification.language.translate import translated
from study_classification.reports.trials import format_table


@dataclass(frozen=True)
class Table:
    """Rows of texts.

    Attributes:
        title: a few words.
        header: names of the columns; the first column is text, the others are numbers.
        rows: of cells; there may be none, where `note` says why.
        note: a sentence below.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def as_text(self) -> str:
        """For a terminal, with the title in the language that the program speaks."""
        parts = [
            f"{translated(self.title)}:",
            format_table(self.header, self.rows) if self.rows else "",
            f"  {self.note}",
        ]
        return "\n".join(part for part in parts if part.strip())

    def as_markdown(self) -> str:
        """A section of Markdown."""
        lines = [self.header, ["---", *["---:"] * (len(self.header) - 1)], *self.rows] if self.rows else []
        table = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
        return "\n\n".join(part for part in (f"## {self.title}", table, self.note) if part) + "\n"
