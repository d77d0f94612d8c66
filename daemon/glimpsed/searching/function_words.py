"""Which words of a question say nothing of what is looked for: "on a" in "cats on a roof"."""

from collections.abc import Collection
from functools import cache

import stopwordsiso

# The lists of stopwordsiso hold words of content too (`man` in German, `dog` in Danish, `computer` in English), so a
# language's list counts only once the question has shown itself to be in that language, by one of these: words
# that are common, say nothing, and are no word of content in another language. The first of equals wins.
_TELLING: dict[str, str] = {
    "en": "the a an of on in at with and from to for by my is are was where which that this",
    "es": "de el la los las un una del con y en por para que mi donde dónde",
    "fr": "de le la les un une du des et avec sur dans à au aux mon ma où pour en",
    "de": "der die das den dem des ein eine einen einem einer und mit auf im vom von für zum zur bei mein meine wo",
    "it": "di il lo la gli un una del della dei con e nel nella sul sulla per mio mia dove",
    "pt": "de o os as um uma do da dos das com e em no na nos nas meu minha onde para",
    "nl": "de het een van en met op voor mijn waar naar",
    "ru": "в на с и из от для по под над мой моя где у к о",
    "pl": "w na z i ze od dla po pod nad mój moja gdzie",
    "sv": "en ett och med på från av till min mitt där",
    "tr": "bir ve ile için nerede bu",
    "uk": "в на з і та від для під мій моя де",
}
_TELLING_SETS = {language: frozenset(words.split()) for language, words in _TELLING.items()}

# What those lists have and people nonetheless look for in pictures.
_KEPT_WORDS = """
man men home bill fire face date page room rooms ring run side site test text top tip year years keys kind line
long mill miss move name new old big high full end fat fill part past act col computer system number numbers
member members group groups order orders state states section caption homepage website webpage index information
invention microsoft netscape open html www backs parts place places point points problem problems results small
research young mann jahr tag tage uhr gott teil gut groß neu lang ende drin día dia días sal país pais fin bien
gran bajo sol gens mot état été haut bas beau bat car nez белый год друг дом мир человек люди город день
"""
_KEPT = frozenset(_KEPT_WORDS.split())

SHORT = 0.05
"""What a function word counts for, of 1."""
LONG = 0.4
"""The same for one of five letters and more: some of those lists' long words do have a content (`world`)."""


@cache
def _list(language: str) -> frozenset[str]:
    return frozenset(stopwordsiso.stopwords(language))


def likely_language(words: Collection[str]) -> str | None:
    """The language that most of the function words in a question speak for; None where it has none."""
    votes = {language: sum(word in telling for word in words) for language, telling in _TELLING_SETS.items()}
    best = max(votes, key=lambda language: votes[language])
    return best if votes[best] else None


def factor(word: str, language: str | None) -> float:
    """What a word (in lower case, accents kept) counts for, 0 to 1, in a question of this language."""
    if language is None or word in _KEPT:
        return 1.0
    if word not in _TELLING_SETS[language] and word not in _list(language):
        return 1.0
    return SHORT if len(word) < 5 else LONG
