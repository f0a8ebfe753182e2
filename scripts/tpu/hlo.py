"""What an optimized program says of itself: read off the text of its HLO, without any library.

The grammar is that of XLA's HloParser: `%name = SHAPE opcode(operands), attribute=..., ...`, one instruction a line.
"""

import re
from dataclasses import dataclass
from math import prod

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute", "collective-broadcast")
BYTES = {"pred": 1, "token": 0}  # of the types whose name does not end with the number of their bits
INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?[\w.-]+ = (?P<shape>.+?) (?P<opcode>[a-z][\w-]*)\(")
ARRAY = re.compile(r"\b(?P<type>[a-z]+\d*\w*)\[(?P<sizes>[\d,]*)\]")
LISTED_GROUPS = re.compile(r"replica_groups=\{\{([\d,]*)\}")
COUNTED_GROUPS = re.compile(r"replica_groups=\[(\d+),(\d+)\]<=")
MESH_GROUPS = re.compile(r"replica_groups=(?:@\w+ )?mesh\[(?P<mesh>[^\]]*)\] \{(?P<axes>[^}]*)\}")
AXIS = re.compile(r"'(?P<name>\w+)'(?::\(\d+\)(?P<part>\d+))?")  # 'data', or 4 of it: 'data':(2)4
PAIRS = re.compile(r"source_target_pairs=\{\{")
HOST_OPCODES = ("infeed", "outfeed", "send", "recv")
HOST_CALL = re.compile(r'custom_call_target="([^"]*(?:callback|host|Host|Callback)[^"]*)"')


@dataclass(frozen=True, order=True)
class Collective:
    """Something that devices do together.

    Attributes:
        kind: its opcode, without `-start`.
        bytes: of the whole array, or arrays, that a device has before it (reduce-scatter) or after it (all others).
        group: how many devices do it together; 0 is all of them.
    """

    kind: str
    bytes: int
    group: int


def collectives(text: str) -> list[Collective]:
    """All collectives of a program, each as often as it is written down: once where it stands in a loop."""
    found = []
    for line in text.splitlines():
        match = INSTRUCTION.match(line)
        if not match:
            continue
        kind = match["opcode"].removesuffix("-start")
        if kind not in KINDS:
            continue
        sizes = array_bytes(match["shape"])
        if match["opcode"].endswith("-start") and kind != "all-reduce":
            sizes = [max(sizes)]  # (operand, result, ...)
        group = group_size(line)
        found.append(Collective(kind, sum(sizes) * (group if kind == "reduce-scatter" else 1), group))
    return found


def array_bytes(shape: str) -> list[int]:
    """The bytes of each array of a shape: `(f32[64]{0}, bf16[2,3]{1,0})` are 256 and 12."""
    return [
        _width(match["type"]) * prod(int(size) for size in match["sizes"].split(",") if size)
        for match in ARRAY.finditer(shape)
    ]


def _width(name: str) -> int:
    """Bytes of an element."""
    if name in BYTES:
        return BYTES[name]
    bits = re.search(r"\d+", name)
    return max(1, int(bits[0]) // 8) if bits else 0


def group_size(line: str) -> int:
    """How many devices a collective joins; 0 where it names no groups, which is all of them."""
    if listed := LISTED_GROUPS.search(line):
        return len(listed[1].split(","))
    if counted := COUNTED_GROUPS.search(line):
        return int(counted[2])
    if named := MESH_GROUPS.search(line):
        sizes = dict(re.findall(r"'(\w+)'=(\d+)", named["mesh"]))
        return prod(int(axis["part"] or sizes[axis["name"]]) for axis in AXIS.finditer(named["axes"]))
    return 2 if PAIRS.search(line) else 0


def host_transfers(text: str) -> list[str]:
    """What a program exchanges with its host while it runs: the opcodes, and the targets of calls to the host."""
    found = []
    for line in text.splitlines():
        match = INSTRUCTION.match(line)
        if match and match["opcode"].removesuffix("-done") in HOST_OPCODES:
            found.append(match["opcode"])
        elif match and match["opcode"] == "custom-call" and (call := HOST_CALL.search(line)):
            found.append(call[1])
    return found
