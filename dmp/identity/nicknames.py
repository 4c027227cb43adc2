"""Short forms of given names, each with the form it most often stands for."""

from __future__ import annotations

_FORMS = """
abigail: abby gail
albert: bert bertie
alexander: alex sandy lex
alexandra: lexi sasha
alfred: alf alfie fred
amanda: mandy
andrew: andy drew
anthony: tony ant
barbara: barb babs
benjamin: ben benny benji
catherine: cathy cath katie kate kathy kat kitty
charles: charlie chas chuck
charlotte: lottie
christina: tina chrissy
christopher: chris kit topher
daniel: dan danny
david: dave davey
deborah: deb debbie
dorothy: dot dottie dolly
edward: ed eddie ted teddy ned
eleanor: ellie nell nellie
elizabeth: liz lizzie beth betty eliza libby betsy
emily: em emmy
florence: flo flossie
frances: fran
francis: frank frankie
frederick: freddie freddy
gabriel: gabe
george: georgie
gerald: gerry
gregory: greg
harold: harry hal
helen: nell
henry: hank
isabella: bella izzy
jacqueline: jackie
jacob: jake
james: jim jimmy jamie jem
janet: jan
jennifer: jen jenny
jessica: jess jessie
john: jack johnny jon
jonathan: jonny
joseph: joe joey
josephine: josie
joshua: josh
judith: judy
kenneth: ken kenny
kimberly: kim
lawrence: larry lawrie
leonard: len lenny
lewis: lew
louise: lou
lucas: luke
margaret: maggie meg peggy marge
martin: marty
mary: molly polly
matthew: matt matty
maxwell: max
megan: meggie
michael: mike mick mickey
natalie: nat
nathan: nate
nicholas: nick nicky
nicola: nikki
oliver: ollie
olivia: liv livvy
pamela: pam
patricia: pat patty tricia trish
patrick: paddy
peter: pete
philip: phil pip
rachel: rach
raymond: ray
rebecca: becky becca
richard: rick dick richie
robert: rob bob bobby robbie bert
ronald: ron ronnie
rosemary: rosie
samuel: sammy
samantha: sam
sarah: sally sadie
simon: si
sophie: soph
stanley: stan
stephanie: steph
stephen: steve
susan: sue susie
thomas: tom tommy
timothy: tim timmy
valerie: val
veronica: ronnie
victoria: vicky tori
vincent: vince
virginia: ginny
walter: wally walt
william: will bill billy willy liam
zachary: zach zac
"""

NICKNAMES: dict[str, str] = {}
"""Short form to full form, in lower case; the first that claims a short form has it."""
for _line in _FORMS.split("\n"):
    _full, _, _shorts = _line.partition(":")
    for _short in _shorts.split():
        NICKNAMES.setdefault(_short, _full)
