import time

from study_classification.system.threads import num_workers, parallel


def test_results_come_in_the_order_of_the_items():
    def slow_at_first(number):
        time.sleep(0.02 if number == 0 else 0)
        return -number

    assert list(parallel(slow_at_first, range(40), 2)) == [-number for number in range(40)]


def test_only_a_few_items_are_taken_ahead():
    taken = iter(range(1000))
    results = parallel(lambda item: item, taken, 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    results.close()
    assert next(taken) <= 2 + 8 * 2  # those that were seen, and eight for each of two threads


def test_what_nobody_waits_for_any_more_is_not_begun():
    begun = []

    def slow(item):
        begun.append(item)
        time.sleep(0.02)

    results = parallel(slow, range(1000), 1)
    next(results)
    results.close()
    assert len(begun) < 5  # of eight


def test_the_number_of_threads():
    assert num_workers(3) == 3
    assert num_workers(0) >= 1
