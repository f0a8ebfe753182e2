import jax

from study_classification import streams


def test_neighbouring_seeds_and_names_share_no_stream():
    names = (streams.INITIAL, streams.AUGMENTATION, streams.DROPOUT, streams.MIXING)
    keys = {tuple(jax.random.key_data(streams.stream(seed, name)).tolist()) for seed in range(50) for name in names}
    assert len(keys) == 50 * 4
