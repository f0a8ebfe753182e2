import pytest

from study_classification.reports.significance import mcnemar


def test_only_the_examples_that_one_alone_has_right_decide():
    first = [True, True, True, True, True, False, True, False]
    second = [True, False, False, False, False, True, True, False]
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (4, 1)
    assert found.p == pytest.approx(2 * (1 + 5) / 2**5)  # 0 or 1 of 5 even chances, on either side


def test_equal_answers_are_no_difference():
    assert mcnemar([True, False], [True, False]).p == 1.0
    with pytest.raises(ValueError, match="shorter"):
        mcnemar([True, False], [True])
