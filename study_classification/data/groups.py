"""Finds images that have to stay in one split: near-duplicates, and groups by name or by a manifest."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int32
from ml_collections import ConfigDict

from study_classification.data.near import joined, near_pairs


@dataclass(frozen=True)
class Grouping:
    """The rules by which images are kept together, besides exact duplicates.

    Attributes:
        near: whether near-duplicates are kept together.
        pattern: a regular expression, or ''. Images are kept together if it finds the same text in their names: the
            text of its first group, or of the whole match if it has no group.
        given: name of an image -> its group, from a manifest.
    """

    near: bool = False
    pattern: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data_config: ConfigDict, given: Mapping[str, str]) -> "Grouping":
        """The rules in `config.data` and in the listing of its source."""
        return cls(data_config.group_near_duplicates, data_config.group_pattern, given)

    def __bool__(self) -> bool:
        return self.near or bool(self.pattern) or bool(self.given)

    def rules(self) -> list:
        """The part of these rules in the key of prepared data; empty if nothing is kept together."""
        return ["groups", self.near, self.pattern, sorted(self.given.items())] if self else []

    def group_of(self, name: str) -> str:
        """The group of an image; '' if it belongs to none."""
        if name in self.given:
            return f"given {self.given[name]}"
        match = re.search(self.pattern, name) if self.pattern else None
        return f"named {match[1 if match.re.groups else 0]}" if match else ""

    def clusters(
        self, group: Int32[np.ndarray, " n"], names: Sequence[str], looks: Sequence[str]
    ) -> Int32[np.ndarray, " n"] | None:
        """The cluster of each image: images of a cluster stay together. None if only exact duplicates do.

        Args:
            group: the group of exact duplicates of each image.
            names: the name of each image.
            looks: the look of each image, see `near.look_of`; used if `near` is on.
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
