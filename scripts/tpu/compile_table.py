"""What the compiled programs need, as a table: rows of compile.csv -> Markdown."""

from collections.abc import Iterable

from hlo import Collective
from roofline import CHIPS, Roofline, Slice, roofline

HEADINGS = (
    "network, recipe", "slice, batch", "fsdp", "state and batch, GB", "temporaries, GB", "of the memory", "TFLOP",
    "GB read and written", "all-reduce", "other collectives", "from or to the host", "images/s, at most", "limited by",
    "links, of the step",
)  # fmt: skip


def table(rows: Iterable[dict[str, str]]) -> list[str]:
    """The lines of the table, without columns that are empty; all figures but images/s are of one step on one chip."""
    found = [cells(row) for row in rows]
    lines = [HEADINGS, ("---",) * len(HEADINGS), *found]
    kept = [column for column in range(len(HEADINGS)) if any(line[column] for line in found)]
    return [f"| {' | '.join(line[column] for column in kept)} |" for line in lines]


def cells(row: dict[str, str]) -> tuple[str, ...]:
    """One row of the table."""
    name = row["network"] + ("" if row["recipe"] == "imagenet" else f", {row['recipe']}")
    name += f", statistics of {row['statistics']}" if row["statistics"] != "0" else ""
    name += "" if row["precision"] == "bfloat16" else f", {row['precision']}"
    first = (name, f"{row['slice']}, {int(row['batch']):,}", row["fsdp"])
    if row["result"] != "compiled":
        return *first, row["result"], *[""] * (len(HEADINGS) - len(first) - 1)
    found = read(row["collectives"])
    together = summary([one for one in found if one.kind == "all-reduce"])
    others, host = summary([one for one in found if one.kind != "all-reduce"]), row["host_transfers"] or "none"
    if row["slice"].partition(":")[0] not in CHIPS:  # simulated: its memory is no chip's
        return *first, "", "", "", f"{int(row['flops']) / 1e12:.2f}", "", together, others, host, "", "", ""
    slice_ = Slice.named(row["slice"])
    held = int(row["argument_bytes"]) + int(row["output_bytes"]) - int(row["alias_bytes"])
    temporary = int(row["temporary_bytes"])
    limit = limits(row)
    by = "operations" if limit.compute > limit.memory else "memory"
    return (
        *first,
        f"{held / 1e9:.2f}",
        f"{temporary / 1e9:.2f}",
        f"{(held + temporary) / slice_.chip.memory:.0%}",
        f"{int(row['flops']) / 1e12:.2f}",
        f"{int(row['accessed_bytes']) / 1e9:.1f}",
        together,
        others,
        host,
        f"{int(row['batch']) / limit.step:,.0f}",
        by,
        f"{limit.links_share:.2%}",
    )


def limits(row: dict[str, str]) -> Roofline:
    """The roofline of a row."""
    return roofline(
        Slice.named(row["slice"]), float(row["flops"]), float(row["accessed_bytes"]), read(row["collectives"])
    )


def read(cell: str) -> list[Collective]:
    """The collectives that a cell has, see `compile.written`."""
    found = []
    for part in cell.split():
        kind, group, size, count = part.split("/")
        found += [Collective(kind, int(size), int(group))] * int(count)
    return found


def summary(found: list[Collective]) -> str:
    """How many, and the bytes of all of them: `107 (102.5 MB)`; where there are several kinds, each by its name."""
    kinds = sorted({one.kind for one in found})
    parts = []
    for kind in kinds:
        sizes = [one.bytes for one in found if one.kind == kind]
        label = "" if kind == "all-reduce" else f"{kind} "
        parts.append(f"{label}{len(sizes)} ({sum(sizes) / 1e6:.1f} MB)")
    return ", ".join(parts) or "none"
