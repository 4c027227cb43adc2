"""Given names by gender and birth era, their nicknames, and how often each is met.

Source: the shape (few names carried by many, a changing top list every twenty
years, a long tail) follows Hahn & Bentley 2003, "Drift as a mechanism for cultural
change: an example from baby names". The lists are a plausible British mix written
for this package; no person was copied.
"""

from __future__ import annotations

import random
from functools import cache
from itertools import product

from dmp.ingest.synthetic.odds import Odds, zipf

ERAS = (1960, 1980, 1996)
"""First birth years of the second, third and fourth era."""

_FEMALE = (
    """Margaret Mary Susan Patricia Jean Christine Barbara Linda Maureen Janet Carol
    Sheila Ann Pauline Joan Elizabeth Brenda Kathleen Sandra Judith Valerie Shirley
    Dorothy Eileen Joyce Jacqueline Marion Rosemary Hazel Irene Gillian Sylvia Doreen
    Betty Audrey Frances Beryl Josephine Rita Diana""",
    """Susan Julie Karen Jacqueline Deborah Tracey Jane Helen Diane Sharon Alison Sarah
    Angela Caroline Amanda Nicola Lisa Michelle Joanne Claire Tracy Samantha Dawn
    Elizabeth Lorraine Wendy Paula Rachel Louise Andrea Maria Teresa Beverley Lesley
    Heather Donna Anne Catherine Victoria Kerry""",
    """Sarah Laura Gemma Emma Rebecca Claire Victoria Samantha Rachel Amy Jennifer
    Nicola Katie Lisa Kelly Natalie Louise Michelle Hayley Hannah Helen Charlotte
    Joanne Lucy Elizabeth Leanne Danielle Donna Katherine Clare Stephanie Stacey
    Lauren Jane Jessica Kirsty Zoe Catherine Melissa Vicky""",
    """Chloe Emily Megan Jessica Sophie Charlotte Lauren Hannah Olivia Lucy Ellie
    Katie Grace Ella Mia Holly Amy Molly Georgia Bethany Abigail Leah Rebecca Caitlin
    Isabella Amelia Emma Elizabeth Eleanor Paige Freya Daisy Phoebe Jasmine Alice
    Zara Imogen Poppy Erin Niamh""",
)
_MALE = (
    """John David Michael Peter Robert Anthony Brian Alan William James Richard Kenneth
    Roger Keith Colin Christopher Raymond Ronald Derek Barry George Graham Roy Terence
    Dennis Thomas Geoffrey Gordon Malcolm Trevor Leslie Edward Joseph Patrick Donald
    Norman Arthur Frank Eric Stanley""",
    """David Paul Andrew Mark John Michael Stephen Ian Robert Richard Christopher Peter
    Simon Anthony Kevin Gary Steven Martin James Philip Alan Neil Nigel Timothy Colin
    Graham Jonathan Nicholas William Adrian Brian Stuart Keith Thomas Patrick Sean
    Carl Trevor Wayne Darren""",
    """Christopher James David Daniel Michael Matthew Andrew Richard Paul Mark Thomas
    Adam Robert John Lee Benjamin Steven Jonathan Craig Stephen Simon Nicholas Peter
    Anthony Alexander Gary Ian Ryan Darren Stuart Gareth Luke Joseph Ashley Jamie
    Martin Shaun Scott Philip Nathan""",
    """Jack Thomas James Joshua Daniel Harry Samuel Joseph Matthew Callum Luke William
    Lewis Oliver Ryan Benjamin George Liam Jordan Adam Alexander Jake Connor Cameron
    Nathan Kieran Mohammed Jamie Jacob Michael Ben Ethan Charlie Bradley Alfie Oscar
    Edward Henry Max Rhys""",
)
_FEMALE_TAIL = """Fatima Aisha Priya Agnieszka Zoë Chloë Siân Katarzyna Anjali Nadia
    Aoife Ffion Carys Mair Eilidh Morag Oonagh Saoirse Sinéad Róisín Renée Noémie
    Thérèse Inés Maya Leila Yasmin Amina Zainab Khadija Sana Farah Rukhsana Nasreen
    Shabana Gurpreet Harpreet Jaswinder Manjit Lakshmi Meera Divya Kavita Sunita Anita
    Deepa Neha Pooja Ngozi Chioma Adaeze Folake Yetunde Abena Akosua Efua Thandiwe
    Monika Magdalena Ewa Joanna Małgosia Zofia Oksana Svetlana Irina Daniela Elena
    Ioana Mihaela Beatriz Carmen Lucía Sofía Ximena Chiara Giulia Francesca Ilaria
    Mei Xiulan Li-Na Ayumi Keiko Hana Soo-Jin Thu Linh Ottilie Clementine Cordelia
    Henrietta Philippa Rosalind Winifred Gwendolyn Marjorie Edith Agnes Ursula Wilma
    Bronwen Nerys Rhiannon Cerys Isla Mhairi Shona Una Orla Deirdre Gráinne Tamsin
    Demelza Morwenna Jocasta Petronella Sabrina Tamara Tanya Naomi Esther Miriam Ruth
    Judy Gaynor Glenda Glynis Thelma Vera Myra Nora Olive Pearl Ivy Ada Elsie"""
_MALE_TAIL = """Muhammad Ahmed Ali Hassan Hussein Omar Yusuf Ibrahim Imran Tariq Bilal
    Abdul Faisal Kamran Rashid Raj Sanjay Vijay Rahul Amit Arjun Rohan Nikhil Deepak
    Gurdeep Harjit Balwinder Manpreet Jaspal Piotr Tomasz Krzysztof Marcin Paweł
    Grzegorz Jakub Andrzej Dmitri Sergei Andrei Ionut Gheorghe José Jesús Raúl Andrés
    Álvaro Joaquín François André René Rémy Étienne Jürgen Günther Jörg Søren Björn
    Seán Pádraig Ciarán Eoin Cillian Declan Fergal Niall Diarmuid Ruairí Hamish Angus
    Callan Ewan Fraser Gregor Iain Murdo Gethin Dafydd Emyr Huw Iolo Owain Rhodri
    Llewellyn Emrys Chinedu Emeka Obinna Tunde Femi Segun Kwame Kofi Yaw Tendai Sipho
    Wei Jun Hiroshi Kenji Minh Duc Sung-Ho Matteo Lorenzo Giovanni Luca Alessandro
    Barnaby Rupert Jasper Quentin Hugo Montgomery Cedric Cuthbert Horace Percy Wilfred
    Reginald Clarence Rufus Silas Jethro Caleb Elijah Isaac Noah Solomon Reuben Ezra
    Theo Felix Sebastian Dominic Laurence Clive Desmond Godfrey Hector Ivor Lionel"""
_FEMALE_PAIR = (
    "Anna Lily Ella Mary Amy Gracie Ellie Lilly Evie Maisie Sophie Emma Sarah Lisa",
    "Rose Mae Marie Louise Grace Jane May Jo Ann Leigh Beth Jayne Lou Kate",
)
_MALE_PAIR = (
    "Tommy Alfie Archie John Riley Bobby Jean Billy Freddie Teddy Ollie Charlie Kai",
    "Lee James Jay John Joe George Ray Paul William Luca Jack Alan Dean Thomas",
)

NICKNAMES: dict[str, tuple[str, ...]] = {
    name: tuple(short.split(","))
    for name, short in (
        pair.split(":")
        for pair in """Margaret:Maggie,Peggy,Meg Susan:Sue,Susie Patricia:Pat,Trish
    Christine:Chris,Tina Barbara:Barb,Babs Elizabeth:Liz,Beth,Lizzie Kathleen:Kath
    Sandra:Sandy Judith:Judy Valerie:Val Dorothy:Dot Jacqueline:Jackie,Jacqui
    Rosemary:Rose Gillian:Gill,Jill Frances:Fran Josephine:Jo Deborah:Debbie,Deb
    Alison:Ali Angela:Angie Caroline:Caz,Carrie Amanda:Mandy Nicola:Nicky,Nic
    Michelle:Shell Joanne:Jo Samantha:Sam Rachel:Rach Andrea:Andie Teresa:Terri
    Beverley:Bev Catherine:Cathy,Kate,Cath Victoria:Vicky,Tori Rebecca:Becky,Becca
    Jennifer:Jenny,Jen Katherine:Kate,Kathy,Katie Stephanie:Steph Danielle:Dani
    Natalie:Nat Jessica:Jess Charlotte:Charlie,Lottie Megan:Meg Olivia:Liv Abigail:Abi
    Isabella:Izzy,Bella Amelia:Millie Eleanor:Ellie,Nell Bethany:Beth Georgia:George
    Philippa:Pippa,Pip Henrietta:Hettie John:Jack,Johnny David:Dave,Davey
    Michael:Mike,Mick Peter:Pete Robert:Rob,Bob,Bobby Anthony:Tony,Ant Alan:Al
    William:Will,Bill,Billy James:Jim,Jamie,Jimmy Richard:Rich,Rick,Dick Kenneth:Ken
    Christopher:Chris,Kit Raymond:Ray Ronald:Ron,Ronnie Terence:Terry Thomas:Tom,Tommy
    Geoffrey:Geoff Leslie:Les Edward:Ed,Ted,Eddie Joseph:Joe,Joey Patrick:Pat,Paddy
    Donald:Don Norman:Norm Arthur:Art Andrew:Andy,Drew Stephen:Steve Steven:Steve
    Simon:Si Kevin:Kev Gary:Gaz Philip:Phil Timothy:Tim Jonathan:Jon,Jonny
    Nicholas:Nick,Nicky Stuart:Stu Darren:Daz Daniel:Dan,Danny Matthew:Matt
    Benjamin:Ben,Benji Alexander:Alex,Sandy Joshua:Josh Samuel:Sam,Sammy Harry:Haz
    Lewis:Lew Oliver:Ollie Nathan:Nate Cameron:Cam Jacob:Jake Mohammed:Mo Muhammad:Mo
    Bradley:Brad Henry:Harry Gareth:Gaz Sebastian:Seb Dominic:Dom Frederick:Fred,Freddie
    Zoë:Zoe Chloë:Chloe José:Jose,Pepe Piotr:Peter Tomasz:Tom Katarzyna:Kasia
    Agnieszka:Aga Małgosia:Gosia Abdul:Abs Gwendolyn:Gwen Laurence:Larry
    Rhiannon:Rhi""".split()
    )
}
"""Short and other forms by given name; names without one are absent."""


def _cp1252(words: str) -> list[str]:
    """Return the words that a cp1252 file can hold."""
    return [
        w for w in words.split() if w.encode("cp1252", "ignore").decode("cp1252") == w
    ]


@cache
def _names(gender: str, era: int) -> Odds:
    """Return the names of a gender ('F' or 'M') and era (0 to 3) with their odds."""
    eras, tail, pair = (
        (_FEMALE, _FEMALE_TAIL, _FEMALE_PAIR)
        if gender == "F"
        else (_MALE, _MALE_TAIL, _MALE_PAIR)
    )
    top, rest = eras[era].split(), _cp1252(tail)
    paired = ["-".join(both) for both in product(*(half.split() for half in pair))]
    parts = ((top, 0.74, 0.7), (rest, 0.21, 0.5), (paired, 0.05, 0.3))
    words = [word for part, _, _ in parts for word in part]
    weights = [
        share * weight for part, share, s in parts for weight in zipf(len(part), s)
    ]
    return Odds.of(words, weights)


def given_name(dice: random.Random, gender: str, year: int) -> str:
    """Return a given name as usual for a gender ('F', 'M') and year of birth."""
    return _names(gender, sum(year >= start for start in ERAS)).pick(dice)


def informal(dice: random.Random, name: str) -> str:
    """Return a nickname of a given name, or '' when it has none."""
    forms = NICKNAMES.get(name)
    return dice.choice(forms) if forms else ""


@cache
def known_given_names() -> frozenset[str]:
    """Return every given name of the lists, lower-case, with the nicknames."""
    listed = (*_FEMALE, *_MALE, _FEMALE_TAIL, _MALE_TAIL)
    short = (form for forms in NICKNAMES.values() for form in forms)
    return frozenset(
        name.lower() for name in (*(w for part in listed for w in part.split()), *short)
    )
