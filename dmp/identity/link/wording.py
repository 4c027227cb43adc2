"""What columns of words stand for in any language, found from how they hang together.

A lexicon knows the names of a few languages. What it does not know is a place if it
follows from a postcode or another place, whoever lives there; else a name or text. Of
the names, that which differs with the sex is the given one, that which people of one
address share is the family's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dmp.identity.link.agreement import Cells, Codes, cells
from dmp.identity.link.columns import ColumnKind, Kind, Profile
from dmp.identity.link.hashing import Ints

Columns = Mapping[str, tuple[Codes, pa.Array]]

_WORDS = (Kind.PLACE, Kind.TEXT, Kind.NAME, Kind.CATEGORY)
_PERSON = (Kind.DATE, Kind.EMAIL, Kind.PHONE, Kind.IDENTIFIER, Kind.FULL_NAME)
_CODED = (Kind.POSTCODE, Kind.IDENTIFIER, Kind.CATEGORY, Kind.HOUSE_NUMBER)
_AT_HOME = (Kind.ADDRESS, Kind.STREET, Kind.POSTCODE)
_FAMILIES = (Kind.FAMILY_NAME, Kind.NAME, Kind.FULL_NAME)
_SURE_NAME = 0.4
"""Share of known names from which a column of names needs no further proof."""
_FOLLOWS = 0.5
_FOLLOWS_START = 0.15
_MANY_PER_RECORD = 3.0
"""Pairs of different people a record that make a column one of many people each."""
_IN_MAIL = 0.2


def worded(
    found: Sequence[ColumnKind], profiles: Mapping[str, Profile], columns: Columns
) -> list[ColumnKind]:
    """Settle what the columns of words are; others stay as they are.

    Args:
        found: the kind of each column by its values alone.
        columns: name -> number of each record's value, -1 where missing; the values.
    """
    open_words = [c.column for c in found if _is_open(c, profiles[c.column])]
    if not open_words:
        return _plain_names(found, profiles, {})
    scene = _Scene(found, profiles, columns)
    places = scene.places(open_words)
    codes = scene.postcodes(places)
    left = [name for name in open_words if name not in places]
    named = scene.names(left, places)
    places |= scene.of_families([word for word in left if word not in named], named)
    why = "goes with a postcode, a place or a family, whoever the person is"
    settled = [
        replace(c, kind=Kind.PLACE, why=why, alternative=Kind.TEXT)
        if c.column in places
        else replace(c, kind=Kind.POSTCODE, why="places follow from it")
        if c.column in codes
        else _text(c, profiles[c.column])
        if c.column in left and c.column not in named
        else c
        for c in found
    ]
    return _plain_names(settled, profiles, named)


def _text(column: ColumnKind, profile: Profile) -> ColumnKind:
    """Call words text that are neither places nor names; given names remain such."""
    is_given = profile.share("given") >= profile.share("family")
    if column.kind == Kind.CATEGORY or (column.kind == Kind.NAME and is_given):
        return column
    return replace(
        column, kind=Kind.TEXT, why="words of no known kind", alternative=column.kind
    )


def _is_open(column: ColumnKind, profile: Profile) -> bool:
    """Whether a column holds words of which it is not yet known what they are."""
    if column.kind not in _WORDS or profile.share("has_digit") >= 0.3:
        return False
    if column.kind == Kind.NAME:
        return max(profile.share("given"), profile.share("family")) < _SURE_NAME
    return profile.n_values > 12 and profile.tokens < 4 and profile.length < 40


def _plain_names(
    found: Sequence[ColumnKind],
    profiles: Mapping[str, Profile],
    named: Mapping[str, ColumnKind],
) -> list[ColumnKind]:
    """Call what is left of names given or family by which lexicon it meets more."""

    def settled(column: ColumnKind) -> ColumnKind:
        if column.column in named:
            return named[column.column]
        if column.kind != Kind.NAME:
            return column
        profile = profiles[column.column]
        given, family = profile.share("given"), profile.share("family")
        if given >= family:
            why = f"{given:.0%} are frequent given names, {family:.0%} family names"
            return ColumnKind(column.column, Kind.GIVEN_NAME, why, Kind.FAMILY_NAME)
        why = f"{family:.0%} are frequent family names, {given:.0%} given names"
        return ColumnKind(column.column, Kind.FAMILY_NAME, why, Kind.GIVEN_NAME)

    return [settled(column) for column in found]


class _Scene:
    """The columns of a file side by side."""

    def __init__(
        self,
        found: Sequence[ColumnKind],
        profiles: Mapping[str, Profile],
        columns: Columns,
    ) -> None:
        self.kind = {c.column: c.kind for c in found if c.kind != Kind.UNUSED}
        self.profiles = profiles
        used = {name: columns[name] for name in self.kind}
        self.columns = used
        person = self._persons(())
        self.cells: Cells = cells(used, person[0] if person else None)

    def _persons(self, but: Sequence[str]) -> list[str]:
        """Return what tells people apart, best first; exact contacts before words."""

        def worth(name: str) -> tuple[bool, float]:
            profile = self.profiles[name]
            return self.kind[name] in _PERSON, profile.filled * profile.n_values

        far = (*_AT_HOME, Kind.HOUSE_NUMBER, Kind.SEX, Kind.INITIAL)
        known = [
            name
            for name, kind in self.kind.items()
            if kind not in far and name not in but and self.profiles[name].n_values > 12
        ]
        enough = [name for name in known if self.profiles[name].filled >= 0.3]
        return sorted(enough, key=worth, reverse=True)

    def _apart(self, *but: str) -> list[Ints]:
        return [self.cells.wholes[name] for name in self._persons(but)[:2]]

    def places(self, words: Sequence[str]) -> set[str]:
        """Return the columns of words that follow from what many people share."""
        coded = [name for name, kind in self.kind.items() if kind in _CODED]
        return {
            word
            for word in words
            if any(self._follows(word, other) for other in words if other != word)
            or any(self._follows_start(word, code) for code in coded if code != word)
        }

    def of_families(
        self, words: Sequence[str], named: Mapping[str, ColumnKind]
    ) -> set[str]:
        """Return the words that different people of one family name share."""
        kinds = self.kind | {name: column.kind for name, column in named.items()}
        families = [n for n, k in kinds.items() if k in _FAMILIES]
        if not families:
            return set()
        family = max(families, key=lambda n: self._likely_family(n, kinds[n]))
        ends = self.cells.ends[family]

        def is_shared(word: str) -> bool:
            apart = self._apart(word, family)
            if kinds[family] == Kind.FULL_NAME:
                apart = [self.cells.wholes[family], *apart[:1]]
            shared = self.cells.lift(self.cells.wholes[word], ends, apart)
            return len(apart) == 2 and shared >= _FOLLOWS_START

        return {word for word in words if word != family and is_shared(word)}

    def _likely_family(self, name: str, kind: Kind) -> float:
        profile = self.profiles[name]
        return (
            1.0
            if kind != Kind.NAME
            else profile.share("family") - profile.share("given")
        )

    def postcodes(self, places: Collection[str]) -> set[str]:
        """Return the codes from which a column of places follows."""
        return {
            code
            for code, kind in self.kind.items()
            if kind in (Kind.IDENTIFIER, Kind.CATEGORY)
            and code not in places
            and self.profiles[code].n_values > 12
            and 3.5 <= self.profiles[code].length <= 9
            and any(self._follows_start(place, code) for place in places)
        }

    def _follows(self, word: str, other: str) -> bool:
        given, apart = self.cells.wholes[other], self._apart(word, other)
        if not self._is_shared(given, apart):
            return False
        return self.cells.lift(self.cells.wholes[word], given, apart) >= _FOLLOWS

    def _follows_start(self, word: str, code: str) -> bool:
        given, apart = self.cells.starts[code], self._apart(word, code)
        if not self._is_shared(given, apart):
            return False
        return self.cells.lift(self.cells.wholes[word], given, apart) >= _FOLLOWS_START

    def _is_shared(self, given: Ints, apart: Sequence[Ints]) -> bool:
        """Whether different people have a value in common, far beyond a household."""
        if len(apart) < 2:
            return False
        n_known = np.logical_and.reduce([c >= 0 for c in (given, *apart)]).sum()
        pairs = self.cells.pairs_apart([given], apart)
        return bool(pairs >= _MANY_PER_RECORD * n_known)

    def names(
        self, words: Sequence[str], places: Collection[str]
    ) -> dict[str, ColumnKind]:
        """Return which words are names of people, the family's or their own."""
        weak = [word for word in words if self.kind[word] == Kind.NAME]
        known = [
            name
            for name, kind in self.kind.items()
            if kind == Kind.NAME and name not in words and name not in places
        ]
        has_full = Kind.FULL_NAME in self.kind.values()
        if not known and not has_full and (full := self._full(words)):
            why = "two or more words, differing from person to person"
            return {full: ColumnKind(full, Kind.FULL_NAME, why, Kind.TEXT)}
        left = [w for w in (weak if has_full else words) if self._is_short(w)]
        found: dict[str, ColumnKind] = {}
        if left and not self._any(known, "family", "given"):
            found |= self._family_name(left)
            left = [word for word in left if word not in found]
        if left and not self._any(known, "given", "family"):
            best = max(left, key=self._given)
            why = self._why(best, "differs from person to person at one address")
            found[best] = ColumnKind(best, Kind.GIVEN_NAME, why, Kind.TEXT)
        return found

    def _is_short(self, word: str) -> bool:
        return self.profiles[word].tokens < 2.5

    def _any(self, known: Sequence[str], lexicon: str, other: str) -> bool:
        """Whether any of the known names is in one lexicon more than in the other."""
        found = [self.profiles[name] for name in known]
        return any(profile.share(lexicon) > profile.share(other) for profile in found)

    def _full(self, words: Sequence[str]) -> str | None:
        """Return the column of whole names, if one stands out."""
        by_size = sorted(words, key=lambda w: self.profiles[w].n_values)
        if not by_size:
            return None
        best = self.profiles[by_size[-1]]
        next_best = self.profiles[by_size[-2]].n_values if len(by_size) > 1 else 0
        is_full = best.share("many_words") >= 0.6 and best.per_value < 10
        return best.column if is_full and best.n_values > 2 * next_best else None

    def _family_name(self, words: Sequence[str]) -> dict[str, ColumnKind]:
        at_home = {word: self._at_home(word) for word in words}
        best = max(words, key=lambda w: self._family(w, at_home[w], len(words)))
        share = f"people of one address share it ({at_home[best]:.0%})"
        why = self._why(best, share if at_home[best] else "it differs the most")
        return {best: ColumnKind(best, Kind.FAMILY_NAME, why, Kind.TEXT)}

    def _family(self, word: str, at_home: float, n_open: int) -> float:
        """Weigh how much a column looks like one of family names."""
        profile = self.profiles[word]
        size = float(np.log10(profile.n_values)) / 3
        sexed = self._sexed(word) if n_open > 1 else 0.0
        lexicon = 2 * (profile.share("family") - profile.share("given"))
        return at_home + size + lexicon + self._in_mail(word) - sexed

    def _given(self, word: str) -> float:
        profile = self.profiles[word]
        size = float(np.log10(profile.n_values)) / 3
        lexicon = 2 * profile.share("given")
        return self._sexed(word) + size + lexicon + self._in_mail(word)

    def _at_home(self, word: str) -> float:
        """Return how often different people of one address share a value."""
        homes = [n for n, k in self.kind.items() if k in _AT_HOME]
        if not homes:
            return 0.0
        home = max(homes, key=lambda n: self.profiles[n].n_values)
        apart = self._apart(word, home)[:1]
        return self.cells.lift(self.cells.wholes[word], self.cells.wholes[home], apart)

    def _sexed(self, word: str) -> float:
        """Return how far the sex follows from a value."""
        sex = next((n for n, k in self.kind.items() if k == Kind.SEX), None)
        if sex is None:
            return 0.0
        apart = self._apart(word, sex)
        return self.cells.lift(self.cells.wholes[sex], self.cells.wholes[word], apart)

    def _in_mail(self, word: str) -> float:
        """Return the share of e-mail addresses that a record's value stands in."""
        mail = next((n for n, k in self.kind.items() if k == Kind.EMAIL), None)
        if mail is None:
            return 0.0
        both = np.flatnonzero(
            (self.columns[word][0] >= 0) & (self.columns[mail][0] >= 0)
        )[:5_000]
        sides = [
            _plain(values.take(pa.array(codes[both])).cast(pa.string()))
            for codes, values in (self.columns[word], self.columns[mail])
        ]
        held = sum(len(w) >= 3 and w in m for w, m in zip(*sides, strict=True))
        share = held / max(len(both), 1)
        return share if share >= _IN_MAIL else 0.0

    def _why(self, word: str, otherwise: str) -> str:
        share = self._in_mail(word)
        return f"{share:.0%} stand in their e-mail" if share else otherwise


def _plain(values: pa.Array) -> list[str]:
    """Return the values in lower case, without accents."""
    parts = pc.utf8_normalize(pc.utf8_lower(values), "NFKD")
    return list(pc.replace_substring_regex(parts, r"\p{Mn}", "").to_pylist())
