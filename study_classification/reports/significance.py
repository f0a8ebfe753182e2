"""Whether two networks that have answered the same questions differ by more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True)
class McNemar:
    """Two networks on the same examples.

    Attributes:
        only_first: how many examples the first one alone has right.
        only_second: how many the second one alone has right.
        p: how likely a difference of this size, or a larger one, is between two networks that are equally good.
    """

    only_first: int
    only_second: int
    p: float


def mcnemar(first_right: Sequence[bool], second_right: Sequence[bool]) -> McNemar:
    """McNemar's exact test: of the examples that one network alone has right, each is either's by an even chance.

    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions or percentages,
    Psychometrika 12 (1947); its exact form is the sign test, a two-sided binomial test.

    Args:
        first_right: of each example, whether the first network is right.
        second_right: the same of the second one, in the same order.
    """
    pairs = list(zip(first_right, second_right, strict=True))
    only_first = sum(one and not other for one, other in pairs)
    only_second = sum(other and not one for one, other in pairs)
    differing = only_first + only_second
    p = float(binomtest(only_first, differing, 0.5).pvalue) if differing else 1.0
    return McNemar(only_first, only_second, p)
