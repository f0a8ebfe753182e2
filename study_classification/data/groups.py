"""Images that have to stay in one split: near-duplicates, and those that a name or a manifest puts into one group."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int32
from ml_collections import ConfigDict

from study_classification.data.near import joined, near_pairs


@dataclass(frozen=True)
class Grouping:
    """What is kept together, besides exact duplicates.

    Attributes:
        near: whether near-duplicates are.
        pattern: a regular expression, or ''. Images are, in whose names it finds the same text: that of its first
            group, or the whole of it, if it has no group.
        given: name of an image -> its group, from a manifest.
    """

    near: bool = False
    pattern: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data_config: ConfigDict, given: Mapping[str, str]) -> "Grouping":
        """What `config.data` and the listing of its source say."""
        return cls(data_config.group_near_duplicates, data_config.group_pattern, given)

    def __bool__(self) -> bool:
        return self.near or bool(self.pattern) or bool(self.given)

    def rules(self) -> list:
        """What enters the key of prepared data; nothing where nothing is kept together."""
        return ["groups", self.near, self.pattern, sorted(self.given.items())] if self else []

    def group_of(self, name: str) -> str:
        """The group of an image; '' of one that belongs to none."""
        if name in self.given:
            return f"given {self.given[name]}"
        match = re.search(self.pattern, name) if self.pattern else None
        return f"named {match[1 if match.re.groups else 0]}" if match else ""

    def clusters(
        self, group: Int32[np.ndarray, " n"], names: Sequence[str], looks: Sequence[str]
    ) -> Int32[np.ndarray, " n"] | None:
        """The cluster of each image that has to stay together; None where exact duplicates alone do.

        Args:
            group: of exact duplicates, that of each image.
            names: of the images.
            looks: of the images, see `near.look_of`; they are asked for where `near` is on.
        """
        if not self:
            return None
        count = int(group.max()) + 1
        codes: dict[str, int] = {}
        links = [
            (own, codes.setdefault(text, count + len(codes)))
            for own, name in zip(group.tolist(), names, strict=True)
            if (text := self.group_of(name))
        ]
        if self.near:
            look_of = {own: look for own, look in zip(group.tolist(), looks, strict=True) if look}
            owners = np.array(list(look_of), np.int64)
            links += owners[near_pairs(list(look_of.values()))].tolist()
        pairs = np.array(links, np.int64).reshape(-1, 2)
        return joined(count + len(codes), pairs)[group].astype(np.int32)
