import itertools

from study_classification.data.order import some_of


def taken(order):
    planned = [order[step] for step in range(len(order))]
    return [row["index"][row["mask"] == 1].tolist() for row in planned], {len(row["index"]) for row in planned}


def test_each_batch_is_from_all_over_the_split():
    batches, sizes = taken(some_of(1280, 64, 1))
    assert sizes == {64} and sorted(itertools.chain(*batches)) == list(range(0, 1280, 10))  # 128 of them, each tenth
    assert batches[0][:3] == [0, 20, 40] and batches[1][:3] == [10, 30, 50]


def test_a_small_split_is_taken_whole():
    batches, sizes = taken(some_of(9, 4, 1))
    assert sizes == {4} and batches == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    batches, sizes = taken(some_of(9, 64, 1))
    assert sizes == {64} and batches == [list(range(9))]


def test_no_more_examples_than_are_asked_for_fill_a_batch():
    assert taken(some_of(1000, 1024, 8))[1] == {128}
    assert taken(some_of(1000, 1200, 200))[1] == {200}  # so that 200 devices can share it
    assert len(set(itertools.chain(*taken(some_of(1000, 48, 1))[0]))) == 128
