"""Surnames: a common head by rank and a long composed tail.

Source: in Great Britain the most common surname is borne by a little more than one
person in a hundred and the first hundred by about a fifth (General Register Office
lists). Family names fall almost as 1 / rank in the tail (Zanette & Manrubia 2001,
"Vertical transmission of culture and the distribution of family names"), and more
slowly at the head.
So the weight is rank ** -0.4 up to rank 20 and falls with exponent 0.85 after it.
"""

from __future__ import annotations

import random
from functools import cache

from dmp.ingest.synthetic.odds import Odds, chance

HEAD_EXPONENT = 0.4
TAIL_EXPONENT = 0.85
HEAD = 20
N_SURNAMES = 45_000

_COMMON = """Smith
    Jones Williams Taylor Brown Davies Evans Wilson Thomas Johnson Roberts
    Robinson Thompson Wright Walker White Edwards Hughes Green Hall Lewis Harris Clarke
    Patel Jackson Wood Turner Martin Cooper Hill Ward Morris Moore Clark Lee King Baker
    Harrison Morgan Allen James Scott Phillips Watson Davis Parker Price Bennett Young
    Griffiths Mitchell Kelly Cook Carter Richardson Bailey Collins Bell Shaw Murphy
    Miller Cox Richards Khan Marshall Anderson Simpson Ellis Adams Singh Begum Wilkinson
    Foster Chapman Powell Webb Rogers Gray Mason Ali Hunt Hussain Campbell Matthews Owen
    Palmer Holmes Mills Barnes Knight Lloyd Butler Russell Barker Fisher Stevens Jenkins
    Murray Dixon Harvey Graham Pearson Ahmed Fletcher Walsh Kaur Gibson Howard Andrews
    Stewart Elliott Reynolds Saunders Payne Fox Ford Pearce Day Brooks West Lawrence
    Cole Atkinson Bradley Spencer Gill Dawson Watts Burton Rose Hart Wells Ryan Grant
    O'Brien Akhtar Stone Hayes Carr Perry Francis Newman Barrett Hamilton O'Connor
    Robertson Hunter Armstrong Simmons Nicholson Burns Ross Reid Henderson Kennedy
    Macdonald Paterson Cameron Ferguson Johnston McDonald Duncan Hawkins Porter Oliver
    Gardner Warren Lynch Byrne O'Neill Doyle Gallagher Nowak Kowalski Wójcik Popescu
    Silva Fernandes García Müller Rossi Cohen Chowdhury Rahman Islam Uddin Miah Shah
    Mistry Sharma Gupta Mehta Desai Dhillon Sandhu Grewal Okafor Adeyemi Mensah Boateng
    Osei Nguyen Wong Chan Chen Wang Li Tran""".split()
_FIRST = """Ash Ax Bad Bar Beck Ber Birch Black Blen Bol Brad Bram Bran Brig Brock Brom
    Buck Cald Can Car Castle Chad Chat Chip Clay Clif Cob Cold Cor Crad Cran Craw Crof
    Dal Dan Dar Den Der Dow Dray Dun Eag East Ed El Em Fair Fal Far Fen Fin Flax Fol
    Fros Gad Gar Gil Glad God Gold Gran Gris Had Hal Ham Har Hat Haw Hazel Heath Hen
    Hol Horn Huds Ing Ken Kil Kim Kings Lam Lan Lang Led Lin Lock Long Lud Lyn Mal Man
    Mar Mel Mid Mil Mor Moss Nether New Nor Nut Oak Old Or Os Oxen Par Pem Pen Pick
    Plum Pres Quin Rad Ram Rav Red Ridge Rip Roch Rod Rud Rush Sand Sed Shel Sher Ship
    Sil Skel Sol Stan Staple Stock Stran Sut Swan Swin Tad Tan Tar Thorn Thur Tilling
    Tor Tur Tyn Ul Under Up Wad Wake Wal War Weather Wel Wen Whit Wick Wil Win Wood Wor
    Wynd Yar Yel""".split()
_MIDDLE = ["", "ing", "er", "en", "al", "le", "s"]
_LAST = """ley ton ham ford worth field wood bury well by combe don ridge ster wick shaw
    stead thorpe land man more bourne brook croft dale gate grove head hurst lock low
    ner nell pole side stone stow tree wall way wyn yard ard by son cott""".split()


def _composed(index: int) -> str:
    """Return the index-th composed surname: short ones first, neighbours unlike."""
    pairs = len(_FIRST) * len(_LAST)
    middle, place = divmod(index, pairs)
    first, last = divmod(place * 2741 % pairs, len(_LAST))
    return _FIRST[first] + _MIDDLE[middle % len(_MIDDLE)] + _LAST[last]


@cache
def surname_odds() -> Odds:
    """Return every surname with its weight, the most common first."""
    composed = (_composed(index) for index in range(N_SURNAMES))
    words = list(dict.fromkeys([*_COMMON, *composed]))
    turn = HEAD ** (TAIL_EXPONENT - HEAD_EXPONENT)
    weights = [
        rank**-HEAD_EXPONENT if rank <= HEAD else turn * rank**-TAIL_EXPONENT
        for rank in range(1, len(words) + 1)
    ]
    return Odds.of(words, weights)


def surname(dice: random.Random) -> str:
    """Return a surname, now and then a double-barrelled one."""
    odds = surname_odds()
    name = odds.pick(dice)
    return f"{name}-{odds.pick(dice)}" if chance(dice, 0.012) else name
