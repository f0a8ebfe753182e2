"""Words as vectors. Token 0 stands for no word, as at the end of a short text, and token 1 for every unknown word."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Int


class WordEmbedding(nn.Module):
    """A vector of `width` numbers for each token, float32; that of token 0 is always 0.

    The vectors begin normal with a variance of 1 / width; that of unknown words begins at 0, for where all words of the
    training texts are known nothing trains it.
    """

    num_tokens: int
    width: int

    @nn.compact
    def __call__(self, tokens: Int[jax.Array, "b length"]) -> Float[jax.Array, "b length width"]:
        table = self.param("embedding", _initial_vectors, (self.num_tokens, self.width))
        return table[tokens] * is_word(tokens)


def is_word(tokens: Int[jax.Array, "b length"]) -> Float[jax.Array, "b length 1"]:
    """1 where there is a word, 0 where there is none."""
    return (tokens != 0).astype(jnp.float32)[..., None]


def average_of_words(
    embedded: Float[jax.Array, "b length width"], tokens: Int[jax.Array, "b length"]
) -> Float[jax.Array, "b width"]:
    """The mean over the words that a text has; 0 of a text without any."""
    return embedded.sum(1) / jnp.maximum(is_word(tokens).sum(1), 1)


def _initial_vectors(key: jax.Array, shape: tuple[int, int]) -> jax.Array:
    return (jax.random.normal(key, shape) / jnp.sqrt(shape[1])).at[:2].set(0.0)
