"""What all questions share, taken away from a question's vector.

A small encoder's vectors lie in a narrow cone, and the rows nearest to the cone's middle are near to every question:
short names and other texts that say little crowd out the right ones. With the mean of many questions subtracted from
the question (the rows' vectors stay as they are), they do not: q·d - m·d ranks a row by what is particular to the
question. Measured on `tests/searching/collection.py` among 1,000 rows: 51 of 62 first by the vector alone, not 39;
half of the questions that the mean is made of do as well. See Mu and Viswanath, "All-but-the-Top", 2018.

Not all of it is taken away. Recall@10 of 950 English descriptions (Debian's tuxpaint-stamps-default) asked for in 20
languages, mean by share taken: 0 .702, 0.5 .740, 0.8 .751, 1 .750, 1.2 .743; with the file's and directory's names
encoded too: .643, .696, .702, .692, .671.
"""

import base64
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHARE = 0.8
"""How much of the centre is taken away."""

# The mean of the fallback's vectors of `tests/searching/common_questions.py`, float16, little-endian; the tests
# compute it anew. By the beginning of the encoder's id: other weights have another centre.
_CENTRES = {
    "multilingual-e5-small-q4/a575c954/": """
6ihdpiep7axELCGnHCRyKl0oKBxeKuMi2CmRqgOpaSj0KzaodKn5q0QmjiBPqd4oqymuKjKnWSidKgatLaw1rOMphKrNLFEruag/qvwrVqqEpJwo
5yokLXMnRSyIqispOauMqMOqbSsDFswpoSrAqjmpGq0jrHwqvizjo8giOyngKlgq7CgqKvmqlqikq4spaiAGqIWcNiPhJv+qcChVqWqpm6iVqA4o
wKkELD0sfavBKHSeXSkQKvCpyarmqdSoe6jcKJUsW6moKSOsNyn6rL+n+SdlK32qYyo/q0epDCkQKiwrYKzVoymlr6urJj+olyu8qLmr8qnKqsqm
0yRrKXoh9SRZK6MnjyV9KDEpoSosqcwcLaNNpNyoEysTqsYrRyjdKcQtAqaMLYWo6CiTqaoq6ibcKdyoqKngqLsnEyogqmisGqrepv2qVarPKHMs
36lBrAip4yg+qxwqGBEjLPSorCmZLDMoO6aSpGOtb6sNq0CrTKsvKMAiz6cOoU8pqqaQrCaq+ybZqm4qqyoMKACnzqYKKkUolykIJwGrJClSqi8p
pisUq/GqSCoIrJylshuVKqyoFytRKYelMylBrd+oHyodK3ep+6t1KC+ok6cOq4urcqj7qcWhiyh8KI2qEaMGqWgqNa2tKDKneKe6KOiiDCWCJk2s
x6idrOanFyn9KmYqE6oVKN8j6xiHLuErTCoNJhWrQ6Uaqnmpyqv5JD8pkKgaqmKqviY5LhyngaabKZEo4iqhLAgqsaZ2qYAqwalnqNCn96jMKUur
TCo+J2cmlytQqNArmKSIqR4iGShEq3sn6iAUJW4k/ihLKkcpfKl3pispxSkqn8skFqyfqT6rSapEorWrISoAKKWrkKhQKtAZeSZ6q4eozinwqWOp
SKjSKxOpD6jtKG4qAquSKXin4KpdLCKot6wZKAEpQa7YJlMqN6YGJi2os6dDKAUpEayFpp0nRyUVKtcnO6UaoKgmW6u+KgQqVaihInmnlKtUrMkq
yKmBq8crgiw7JyUq
""",
}


@cache
def of(encoder: str) -> NDArray[np.float32] | None:
    """The centre of an encoder's questions; None where none is known."""
    for head, text in _CENTRES.items():
        if encoder.startswith(head):
            return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)
    return None


def centred(vector: Any, encoder: str) -> Any:
    """A question's vector without its encoder's centre, of unit length; as it is where no centre is known."""
    centre = of(encoder)
    if centre is None or centre.shape != vector.shape:
        return vector
    moved = vector - SHARE * centre
    return moved / max(float(np.linalg.norm(moved)), 1e-6)
