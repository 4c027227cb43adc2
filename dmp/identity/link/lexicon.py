"""Words that tell what a column holds: frequent names, parts of streets, titles.

Lower case, without accents. They are hints for finding the kind of a column, never
evidence about a pair of records.
"""

from __future__ import annotations

from dmp.identity.nicknames import NICKNAMES

_GIVEN = """
aaron abdul abdullah adam adele adrian agnes ahmed aidan aiden aisha alan alana alba
alejandro alena alessandro alessia alex alexa alexandre alexei alexis ali alice alicia
alina alison allan allison alma alyssa amber amelia amelie amina amir amy ana
anastasia anders andre andrea andreas andrei andres angel angela angelina angelo angus
anika anita anja ann anna anne annette annie anton antonio antonia april archie ariana
arjun arthur asa ashley astrid aubrey audrey august aurora austin ava axel aylin barry
beatrice beatriz bella bernard bernd bernice bertha beth bethany beverly bianca bjorn
blake bonnie boris bradley brandon brayden brenda brian brianna bridget brittany
brooke bruce bruno bryan caleb callum cameron camila camille carl carla carlos carmen
carol carole carolina caroline carolyn carrie carter casey cecilia cedric chad chantal
charlene chelsea cheryl chloe christian christine ciara claire clara clarence claude
claudia clemens clement clive colin connor constance cora corey courtney craig
cristina curtis cynthia dale dalton damian dana daniela daniele danielle darren dawn
dean debra declan denise dennis derek diana diane diego dieter dimitri dirk dmitri
dolores dominic dominik don donald donna doreen doris douglas duncan dustin dylan eben
edgar edith edna edouard eileen elaine elena eli elias elijah elisa elise ella ellen
elliot elsa elsie emil emilia emilie emma enrico enzo eric erica erik erika erin
ernest erwin esme esteban esther ethan ethel eugene eva evan eve evelyn evie ewan
fabian faith farah fatima felicity felix fernando finlay finn fiona florian francesca
francesco francisco franco francois frankie franz freya friedrich fritz gabriela
gareth gary gavin gemma genevieve geoffrey georgia georgina gerard gerhard gertrude
giada gianni gillian gina giovanni giulia giuseppe gladys glen glenda glenn gloria
gordon grace graham grant greta guillaume gunter gustav guy gwen hamish hana hannah
hans harley harriet harrison harvey hassan hazel heather hector heidi heike heinrich
helena helene helga henri henrik herbert herman hilda holly horst howard hubert hugh
hugo hussein ian ibrahim ida ignacio igor imogen ines ingrid irene irina iris irma
isaac isabel isabelle isaiah isla ismail ivan ivy jack jackson jacques jade jaden
jamal jan jana jane janice jared jasmin jasmine jason javier jay jayden jean jeanette
jeff jeffrey jenna jeremiah jeremy jerome jerry jesse jesus jill jo joan joann joanna
joanne joao joel johan johann johanna johannes jordan jorge jose josef josiah joyce
juan juanita judy jules julia julian juliana julie juliet julio julius june jurgen
justin kaitlyn karen karin karina karl karolina katarina katharina katherine kathleen
kathryn katja katrin kay kayla kaylee keira keith kelly kelsey kerry kevin khalid
kieran kim kirsten kirsty klaus kristen kristin kristina kurt kyle lachlan lara lars
laura lauren laurent lea leah leila lena leo leon leonardo leonie leroy leslie lesley
leticia lewis lili lilian lillian lilly lily lina linda lindsay lindsey lionel lisa
lloyd logan lois lola loretta lori lorraine luc luca lucia lucie lucy luis luisa luke
lukas lydia lynda lynn mabel mackenzie madeleine madeline madison magdalena maisie
malcolm manfred manon manuel manuela marc marcel marcia marco marcos marcus maria
mariana marie marilyn marina mario marion marissa marjorie mark markus marlene marta
martha martina martine marvin mason mathieu mathilde matilda matteo matthias maureen
maurice mauro max maxime maya mehmet meike melanie melissa melvin mercedes meredith
mia micah michaela michele michelle miguel mikhail mila mildred milena millie milo
mirjam miriam mitchell mohamed mohammad mohammed moira molly monica monika monique
morgan moritz muhammad murray mustafa myra nadia nadine nancy naomi natalia natalie
natasha neil nellie nicole nigel nils nina noah noel noelle nora norma norman olaf
olga olive oscar otto owen pablo paige paloma paola paolo pascal pascale paul paula
paulette pauline pavel pedro peggy penelope penny perry petra phillip phoebe phyllis
pierre piotr poppy priscilla priya quentin quinn rachael rafael ralf ralph ramon
randall randy raphael raquel raul regina reinhard renate rene rhonda rhys ricardo
riccardo rita robin rocio roderick rodney roger roland rolf romain roman rosa rosario
rose rosie ross rowan roxanne roy ruby rudolf russell ruth ryan sabine sabrina salma
salvador samira sandra santiago sara sasha savannah scarlett scott sean sebastian
selena serena serge sergei sergio seth shane shannon sharon shaun shawn sheila shelby
shirley sienna silke silvia simone sofia sofie sonia sonja sophia spencer stacey stacy
stefan stefanie stella steffen sten stephane steven stewart stuart sue summer susana
susanne suzanne svetlana sven sybil sydney sylvia sylvie tamara tammy tania tanya tara
tatiana taylor teresa terence terri terry thea thelma theo theodore theresa therese
thierry tiffany timo tina tobias todd tomas toni tracey tracy travis trevor tristan
troy tyler ulrich ulrike ursula uwe valentin valentina vanessa vera vernon veronique
vicki victor vikram viktor vincenzo viola violet vivian vladimir walter wanda warren
wayne wendy wesley wilfred wilhelm willow winifred wolfgang xavier yann yasmin yolanda
yusuf yves yvonne zara zoe zoey wei ming hiroshi yuki kenji jin hui
"""
_FAMILY = """
adams ahmed alexander allen alvarez andersen anderson andersson andrews armstrong
arnold atkinson bailey baker ball barker barnes barnett bauer becker bell bennett berg
bernard berry bianchi black booth bradley brooks brown bryant burke burns burton
butler byrne campbell carlson carpenter carr carroll carter castillo castro chapman
chavez chen clark clarke cohen cole coleman collins colombo cook cooper cox crawford
cruz cunningham daniels davidson davies davis dawson day dean delgado diaz dixon
dubois duncan dunn dupont durand edwards elliott ellis esposito evans ferguson
fernandez ferrari fischer fisher fleming fletcher flores ford foster fox franklin
fraser freeman fuchs fuller garcia gardner garner garnier gibson gill girard gomez
gonzales gonzalez gordon graham grant gray green greene griffin griffiths gupta
gutierrez hall hamilton hansen hanson harper harris harrison hart harvey hawkins hayes
henderson hernandez herrera hicks hill hoffmann holmes howard howell huber hudson
hughes hunt hunter ivanov jackson jacobs jenkins jensen jimenez johansson johnson
johnston jones jordan kaiser kaur kelley kelly kennedy khan kim king klein knight koch
kowalski kraus kruger kumar lambert lane lang larsen larsson lawson leclerc lee
lefebvre lehmann leroy lewis li little lloyd long lopez lynch macdonald maier marino
marshall martin martinez mason matthews mcdonald mckenzie medina mendoza mercier meyer
miller mills mitchell moore morales moreau morgan morris morrison muller murphy murray
myers nelson neumann newman nguyen nichols nielsen nilsson novak obrien oconnor
oliveira olsen olson ortiz owens palmer parker parsons patel patterson payne pearce
pearson pereira perez perkins perry peters petersen peterson petit petrov phillips
pierce porter powell powers price ramirez ramos reed reid reyes reynolds rice richards
richardson richter rivera roberts robertson robinson rodriguez rogers romano romero
rose ross rossi roussel roux ruiz russell russo ryan sanchez santos saunders schafer
schmidt schmitt schneider schroder schulz schwarz scott shah sharma shaw silva simmons
simpson singh smith snyder soto spencer stevens stewart stone sullivan taylor thomas
thompson torres tucker turner vargas vasquez wagner walker wallace walsh wang ward
warren watkins watson weaver webb weber weiss welch wells werner west wheeler white
williams williamson wilson wolf wong wood woods wright yang young zhang zimmermann
"""
_STREET = """
st street rd road ave avenue av ln lane dr drive ct court blvd boulevard way pl place
cir circuit circle close crescent cres terrace parade hwy highway loop trail trl pkwy
strasse str weg allee platz rue chemin impasse via viale calle plaza carrer rua gasse
square grove gardens gate row walk mews hill straat laan
"""
_TITLES = """
mr mrs ms miss mx dr prof sir dame rev hon lord lady herr frau mme mlle monsieur
madame senor senora sr sra jr snr phd md
"""

GIVEN_NAMES = frozenset(_GIVEN.split()) | set(NICKNAMES) | set(NICKNAMES.values())
FAMILY_NAMES = frozenset(_FAMILY.split())
STREET_WORDS = frozenset(_STREET.split())
TITLES = frozenset(_TITLES.split())
STREET_SHORT_FORMS = {
    "street": "st",
    "road": "rd",
    "avenue": "ave",
    "av": "ave",
    "lane": "ln",
    "drive": "dr",
    "court": "ct",
    "boulevard": "blvd",
    "place": "pl",
    "circuit": "cct",
    "circle": "cir",
    "crescent": "cres",
    "terrace": "tce",
    "highway": "hwy",
    "parkway": "pkwy",
    "trail": "trl",
    "square": "sq",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "strasse": "str",
}
"""Parts of streets and the short form that stands for each."""

_MONTH_STARTS = """
1: jan ene gen  2: feb fev  3: mar mrt  4: apr abr avr  5: may mai mei mag
6: jun juin giu  7: jul juil lug  8: aug ago aou  9: sep set  10: oct okt ott out
11: nov  12: dec dez dic
"""


def _months() -> dict[str, int]:
    found: dict[str, int] = {}
    month = 0
    for word in _MONTH_STARTS.split():
        if word.endswith(":"):
            month = int(word[:-1])
        else:
            found[word] = month
    return found


MONTHS = _months()
"""How names of months begin, without accents, in seven languages of western Europe."""
