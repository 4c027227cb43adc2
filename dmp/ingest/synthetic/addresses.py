"""Streets and addresses in the British form; towns are real, addresses are not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

from dmp.ingest.synthetic.odds import Odds, chance
from dmp.ingest.synthetic.people import Address

_TOWNS = """London/20/SE/18
    London/20/N/14 London/20/E/16 London/20/SW/14 London/20/NW/10
    London/20/W/12 Croydon/20/CR/5 Bromley/20/BR/4 Harrow/20/HA/5
    Kingston_upon_Thames/20/KT/4 Leeds/113/LS/14 Sheffield/114/S/12 Nottingham/115/NG/10
    Leicester/116/LE/10 Bristol/117/BS/13 Reading/118/RG/9 Wokingham/118/RG/3
    Birmingham/121/B/20 Solihull/121/B/5 Edinburgh/131/EH/12 Musselburgh/131/EH/2
    Glasgow/141/G/14 Paisley/141/PA/3 Liverpool/151/L/12 Birkenhead/151/CH/4
    Manchester/161/M/14 Salford/161/M/5 Stockport/161/SK/5 Gateshead/191/NE/4
    Newcastle_upon_Tyne/191/NE/7 Sunderland/191/SR/5 Durham/191/DH/3 Belfast/28/BT/8
    Cardiff/29/CF/8 Penarth/29/CF/2"""
_STREETS = """High Church Station Victoria London Mill Park Queens Kings Chapel School
    Green Manor Albert George York Windsor Grange Springfield Highfield Alexandra North
    South West New Broad Castle Bridge Market Cross Orchard Meadow Willow Beech Cedar
    Elm Oak Ash Hazel Holly Laurel Birch Poplar Rowan Chestnut Lime Hawthorn Maple
    Cambridge Oxford Derby Lancaster Durham Warwick Stanley Clarence Cromwell Nelson
    Wellington Marlborough Gladstone Salisbury Balmoral Sandringham Churchill Princess
    Regent Waterloo Trafalgar Priory Abbey Vicarage Rectory St. Johns St. Marys Mill
    Hill Dale Moor Field Brook River Spring Well Quarry Furnace Foundry Canal Wharf
    Northfield Southfield Westfield Eastfield Kingsway Ferndale Glendale Ashfield
    Brookside Hillside Woodside Parkside Sunnyside Fairview Fairfield Greenfield
    Longfield Whitehouse Heathfield Broomfield Burnside Millfield""".replace(
    "St. ", "St._"
).split()
_KINDS = Odds.of(
    """Road Street Avenue Lane Close Drive Way Crescent Gardens Court Place
    Terrace""".split(),
    (30, 18, 13, 8, 8, 7, 4, 4, 3, 2, 2, 2),
)
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
"""Letters that end a postcode. Source: Royal Mail; C I K M O V are not used."""


@cache
def _towns() -> Odds:
    """Return the towns as `name/code/area/weight` with their odds."""
    towns = _TOWNS.replace("\n", " ").split()
    return Odds.of(towns, [float(town.rsplit("/", 1)[1]) for town in towns])


def _street(dice: random.Random) -> Address:
    """Return a street with its postcode, without a house number."""
    town, code, area, _ = _towns().pick(dice).split("/")
    name = dice.choice(_STREETS).replace("_", " ")
    town = town.replace("_", " ")
    district = dice.randint(1, 28 if area not in ("N", "E", "W", "SE", "SW") else 20)
    letters = dice.choice(_INWARD) + dice.choice(_INWARD)
    postcode = f"{area}{district} {dice.randint(0, 9)}{letters}"
    return Address(f"{name} {_KINDS.pick(dice)}", town, postcode, f"0{code}")


def make_streets(dice: random.Random, n: int) -> list[Address]:
    """Return n streets to settle households in; neighbours share a postcode."""
    return [_street(dice) for _ in range(n)]


def settle(dice: random.Random, streets: Sequence[Address]) -> Address:
    """Return an address in one of the streets, now and then a flat."""
    street = dice.choice(streets)
    number = 1 + int(120 * dice.random() ** 1.6)
    line = f"{number} {street.line}"
    if chance(dice, 0.16):
        line = f"Flat {dice.randint(1, 24)}, {line}"
    elif chance(dice, 0.04):
        line = f"{number}{dice.choice('ABC')} {street.line}"
    return Address(line, street.city, street.postcode, street.dialling_code)
