"""The least time that a step can take on a slice: peak operations, memory and links, as published.

Sources, read in November 2026:

- Peak operations, memory and its speed: Google's pages "TPU v4", "TPU v5e" and "TPU v5p"
  (https://cloud.google.com/tpu/docs/v4, /v5e, /v5p): 275, 197 and 459 TFLOP/s in bfloat16; 32 GiB at 1,200 GB/s, 16 GB
  at 819 GB/s and 95 GB at 2,765 GB/s.
- Links, one way, and which axes are closed to a ring (an axis of 16 on v5e, of a multiple of 4 on v4 and v5p): "How to
  Scale Your Model", part 2 (https://jax-ml.github.io/scaling-book/tpus). Google's pages have the sum over a chip's
  links, both ways: 400 GB/s (4 links) on v5e and 1,200 GB/s (6) on v5p, which agrees.
- Time of collectives, and 1 µs for each hop: part 3 of the same book (https://jax-ml.github.io/scaling-book/sharding).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from hlo import Collective

HOP_SECONDS = 1e-6
AXIS_BYTES = {"all-reduce": 2.0, "all-gather": 1.0, "reduce-scatter": 1.0, "all-to-all": 0.25}  # as often as it passes
ROUNDS = {"all-reduce": 2}  # a reduce-scatter, then an all-gather


@dataclass(frozen=True)
class Chip:
    """A kind of TPU.

    Attributes:
        peak_flops: operations a second in bfloat16.
        memory: bytes.
        memory_speed: bytes a second.
        link_speed: bytes a second of a link to a neighbour, one way.
        ring: an axis of a multiple of so many chips is closed to a ring.
        cores: of a chip, by which slices of this kind are named (v4-16 has 8 chips).
    """

    peak_flops: float
    memory: float
    memory_speed: float
    link_speed: float
    ring: int
    cores: int


CHIPS = {
    "v4": Chip(275e12, 32 * 2**30, 1200e9, 45e9, ring=4, cores=2),
    "v5e": Chip(197e12, 16e9, 819e9, 50e9, ring=16, cores=1),
    "v5p": Chip(459e12, 95e9, 2765e9, 100e9, ring=4, cores=2),
}


@dataclass(frozen=True)
class Slice:
    """Chips that are joined by links, such as 16 x 16."""

    chip: Chip
    axes: tuple[int, ...]

    @classmethod
    def named(cls, name: str) -> "Slice":
        """The slice with a name as the compiler takes it: `v5e:16x16`."""
        kind, _, axes = name.partition(":")
        return cls(CHIPS[kind], tuple(map(int, axes.split("x"))))

    @property
    def size(self) -> int:
        return prod(self.axes)

    def axes_of(self, group: int) -> tuple[int, ...]:
        """Those that a collective of so many devices uses: all of them, or one of that length."""
        return self.axes if group in (0, self.size) else (group,)

    def seconds(self, collective: Collective) -> float:
        """The time of a collective that has the links to itself: hops, and bytes over the speed of all its axes."""
        chip, axes = self.chip, [axis for axis in self.axes_of(collective.group) if axis > 1]
        if not axes:
            return 0.0
        if collective.kind not in AXIS_BYTES:  # each device sends to another one, a neighbour at best
            return HOP_SECONDS + collective.bytes / chip.link_speed
        closed = [axis % chip.ring == 0 for axis in axes]
        hops = sum(axis // 2 if ring else axis - 1 for axis, ring in zip(axes, closed, strict=True))
        speed = sum(chip.link_speed * (2 if ring else 1) for ring in closed)
        rounds = ROUNDS.get(collective.kind, 1)
        return rounds * hops * HOP_SECONDS + AXIS_BYTES[collective.kind] * collective.bytes / speed


@dataclass(frozen=True)
class Roofline:
    """The least seconds of a step, by what limits it."""

    compute: float
    memory: float
    links: float

    @property
    def step(self) -> float:
        """Without the links: computing and reading overlap."""
        return max(self.compute, self.memory)

    @property
    def links_share(self) -> float:
        """What the collectives take, as a share of the step, if nothing is computed meanwhile."""
        return self.links / self.step


def roofline(slice_: Slice, flops: float, accessed: float, collectives: Iterable[Collective]) -> Roofline:
    """The times of a step with so many operations, bytes of memory and collectives on each device."""
    return Roofline(
        compute=flops / slice_.chip.peak_flops,
        memory=accessed / slice_.chip.memory_speed,
        links=sum(slice_.seconds(each) for each in collectives),
    )
