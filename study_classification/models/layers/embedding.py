"""Embeds words as vectors. Token 0 stands for no word, as after the end of a text, token 1 for every unknown word."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Int


class WordEmbedding(nn.Module):
    """A vector float32 [width] for each token. The vector of token 0 is always 0.

    The vectors begin normal with a variance of 1 / width. The vector of unknown words begins at 0, for nothing trains
    it if all words of the training texts are known.
    """

    num_tokens: int
    width: int

    @nn.compact
    def __call__(self, tokens: Int[jax.Array, "b length"]) -> Float[jax.Array, "b length width"]:
        table = self.param("embedding", _initial_vectors, (self.num_tokens, self.width))
        return table[tokens] * is_word(tokens)


def is_word(tokens: Int[jax.Array, "b length"]) -> Float[jax.Array, "b length 1"]:
    """1 at the places of words, 0 elsewhere."""
    return (tokens != 0).astype(jnp.float32)[..., None]


def average_of_words(
    embedded: Float[jax.Array, "b length width"], tokens: Int[jax.Array, "b length"]
) -> Float[jax.Array, "b width"]:
    """The mean over the words of a text; 0 for a text without words."""
    return embedded.sum(1) / jnp.maximum(is_word(tokens).sum(1), 1)


def _initial_vectors(key: jax.Array, shape: tuple[int, int]) -> jax.Array:
    return (jax.random.normal(key, shape) / jnp.sqrt(shape[1])).at[:2].set(0.0)
