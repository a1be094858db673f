"""Names of people in free text: a score for each word from what it is, how it is written and what stands beside it.

Charter: decides which words of a text are parts of a person's name. Knows no
marks and no columns; redact.py puts the marks in. The lists are in lexicon.py.

A word is taken for a part of a name at THRESHOLD points. It starts with points
for what it is (a first name, a surname, both a name and a word, unknown), gains
by a capital within a sentence, by a cue before it ("spoke with", "Mr", "owner"),
by a verb of people after it and by a name beside it; it loses before "Street",
"Park" or "Construction", after "corner of", and in the city's own vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from etl.privacy import lexicon

THRESHOLD: Final = 1.9

_TOKEN: Final = re.compile(
    r"\[[a-z-]+(?: [a-z]+)?\]|(?:https?://|www\.)\S+|[^\W\d_]+(?:['’‘`ʼ][^\W\d_]+)*['’]?|\d[^\W_]*"
)
_GROUPS: Final = re.compile(r"[^\W\d_]+(?:['’‘`ʼ][^\W\d_]+)*")

_STOP: Final = frozenset(
    """a an the and or but if of to in on at by for from with without about into over under as is are was were be been
    being am do does did done has have had having will would shall should can could may might must not no nor so than
    then that this these those there here where when while why how what which who whom whose i you he she it we
    they me
    him her us them my your his its our their mine yours ours theirs all any some each every both either neither one
    two three four five six seven eight nine ten also just only very too more most much many such own same other
    another again still yet already now today tomorrow yesterday out up down off near next after before between please
    never always ever lot see saw seen because since until though although per via due let lets get got went go going
    gone come came take took put make made need needs want wants el los las un una unos unas y o que se por
    para con sin
    su al sus mi mis tu es son esta este esto estan hay muy mas pero como cuando donde yo ella ellos nos le lo
    les de del
    re sts rds didn doesn isn wasn couldn wouldn hasn haven aren weren don wont im ive id hes shes theyre thats
    theres dont didnt doesnt isnt wasnt cant couldnt wont wouldnt havent hasnt hadnt
    arent werent weve youre ill well til till monday tuesday wednesday thursday friday saturday sunday mon tue
    tues wed
    thu thur thurs fri sat sun january february march april june july august september october november december jan
    feb mar apr jun jul aug sept sep oct nov dec north south east west am pm st ave rd blvd massachusetts california
    america american usa spanish english french chinese christmas thanksgiving halloween easter new""".split()
)
# Of these, the ones that are names too; a capital and a strong cue are wanted.
_STOP_NAMES: Final = frozenset("will may june april august an do so my van long le jun jan al ty west north".split())
_MONTHS: Final = frozenset("june april august jun jan le west".split())
# Small words that are also parts of names; within a name they go with it.
_PARTICLES: Final = frozenset(
    """de la las los del da das do dos di du des van von der den ter bin ibn bint ben abu al el el st san santa
    mc mac o
    le lo y e della dela delos vander vande san""".split()
)
_SUFFIXES: Final = frozenset("jr sr ii iii iv esq md phd".split())

# The city's own words, which are surnames too: not a name unless a strong cue and a capital say so.
_CITY: Final = frozenset(
    """street streets road avenue park parks tree trees sign signs light lights lamp pole poles water sewer
    drain bridge
    hill green line lines house houses field fields bank banks school church court place square lane way drive
    terrace wall walls ward wards police officer officers parking fire city town village case cases work works worker
    workers crew crews contractor contractors department dept office unit units team building buildings
    property properties site
    sites block blocks corner front back side sides snow rain ice winter summer spring fall night day days week weeks
    month months year years hour hours time date cart carts box boxes bag bags bin bins trash garbage recycling
    litter dump waste bulk mattress couch furniture tv car cars truck trucks van vehicle vehicles bike bikes bus
    train cat cats dog dogs bird birds rat rats mouse rabbit rabbits bee bees squirrel raccoon skunk needle needles
    syringe pothole hole holes crack cracks brick bricks stone stones sand salt gravel concrete cement asphalt
    pavement
    marker markers cone cones barrel barrels gate gates fence fences door doors window windows roof stairs ramp pipe
    pipes hydrant meter meters cover covers grate globe mantle ring fixture bulb bulbs wire wires cable cables
    box cord
    black white red blue yellow brown gray grey orange pink purple silver gold golden dark bright heavy
    long short small large big little high low deep wide old young good bad great best better nice clean dirty clear
    broken bent missing loose lost found open closed close resolved noted invalid complete completed pending referred
    removed replaced repaired fixed filled cleaned cleared picked posted painted patched planted pruned cut
    trimmed towed
    ticketed tagged scheduled inspected checked issued violation violations ticket tickets warning permit permits
    notice notices request requests report reports service services maintenance repair repairs inspection
    inspector inspectors supervisor supervisors manager engineer engineers director chief foreman captain
    lieutenant sergeant clerk mayor councilor councillor commissioner driver drivers rider walker walkers runner kid
    kids child children boy girl man men woman women person people neighbor neighbors neighbour neighbours
    owner owners
    tenant tenants landlord resident residents caller callers constituent constituents customer customers super
    superintendent witness guy guys lady friend friends family mother father mom dad son daughter brother sister
    husband wife uncle aunt cousin grandmother grandfather roommate boss student students teacher nurse doctor
    mail email phone call calls called contact contacted message voicemail letter number address name names
    thanks thank
    regards sincerely hello hi dear sir madam tag tags graffiti paint poster flyer banner flag bench benches
    fountain plate plates license reg registration ssn lic dob visa
    playground library hospital station garage lot lots yard yards alley path trail pond river lake beach harbor pier
    point island market shop store stores restaurant cafe bar pub hotel club center centre hall plaza garden gardens
    tower towers court north south east west upper lower middle central union liberty common state federal country
    county national public private private residential commercial industrial sound noise music loud party
    smoke gas oil power electric fuel heat heating wood metal steel iron glass plastic paper rubber rose roses branch
    limb limbs root roots leaf leaves brush bush bushes grass weed weeds lawn stump stumps mulch soil dirt mud
    gutter curb curbs crossing crosswalk sidewalk walk stop yield speed speeding bump bumps lane lanes route
    mark marks
    area areas zone zones section corner end start top bottom left right inside outside across along behind above
    below temporary permanent damage damaged leak leaks leaking flood flooding flooded overflowing crushed
    cold hot warm dry wet safe unsafe hazard danger dangerous emergency urgent asap info information question
    questions answer issue issues problem problems complaint complaints concern concerns request duplicate dup
    existing
    internal performed highway automation admin administratively corrected item items needle used load loads
    pickup drop dropped delivered delivery order orders new fill filler level grade crew dear hand hands foot
    feet head
    face body dead alive animal animals home homes room rooms floor apartment condo tent tents camp camper bed beds
    chair chairs table sofa rug stove fridge refrigerator freezer microwave washer dryer toilet sink tire tires hose
    cigarette cigarettes bottle bottles can cans coffee food pizza bread meal meals rice fish meat fruit apple cherry
    lemon plum vendor vendors worker cleaner sweeper sweeping sweep plow plows plowed plowing shovel shoveled
    hangs hanging cross crosses traffic signal signals timing button buttons cycle walk pedestrian pedestrians
    bicycle lanes rack racks rail rails track tracks tunnel ramp exit entrance pave paved paving pavers seal sealed
    surface study survey review plan plans project projects contract budget funds season seasons fair price cost fee
    fees bill bills tax taxes credit check checks cash money dollar dollars penny pay paid rent lease sale sold buy
    master major minor page pages book books paper list lists chart map maps post posts note notes picture
    pictures photo photos video camera cameras film screen computer system systems program programs data file files
    senior civil test tests made safe sje ada
    constituent recycling squirrel contractor collected replaced respliced burner clock gentleman individual
    party parties rep reps staff personnel agent agents tech techs technician dispatcher operator""".split()
)

# Of these, the ones that a capital can still make a surname.
_CAPITAL: Final = frozenset(
    "hill brown green white black gray grey young rose park church hall bell stone king page price rice "
    "fields banks woods "
    "wall walls marks mark cook long short good bush branch cross small bird fish fair lane wood penny bill "
    "rose west "
    "north ward bridges brooks pierce fisher walker rider miner major chief clark baker driver cherry apple "
    "little strong golden "
    "snow winter rain frost field law love winters power powers singer waters root roots".split()
)
# Places that stand without "Street" beside them; no one by a first name only.
_ELSEWHERE: Final = frozenset(
    """boston cambridge somerville brookline quincy springfield worcester chicago seattle denver houston dallas
    austin phoenix
    philadelphia detroit baltimore portland oakland sacramento manhattan brooklyn queens bronx harlem york jersey
    hampshire vermont maine connecticut rhode florida texas nevada oregon ohio georgia virginia carolina maryland
    pennsylvania alabama indiana illinois michigan wisconsin iowa missouri kansas oklahoma utah arizona
    washington london
    paris england ireland italy spain mexico canada france germany china japan india vietnam haiti brazil cuba
    jamaica europe africa asia harvard oxford yale columbia northeastern tufts mit suffolk essex norfolk middlesex
    francisco angeles diego jose antonio orleans miami atlanta""".split()
) - {"jose", "antonio", "diego"}

_TITLES: Final = (
    "mr mrs ms miss mx dr prof professor rev reverend sr sra srta senor senora senorita fr msgr sgt sergeant "
    "lt lieutenant capt "
    "captain officer ofc ptl patrolman det detective trooper inspector insp supervisor supv foreman "
    "councilor councillor "
    "councilman councilwoman alderman commissioner sir madam mayor chief director engineer judge rabbi imam "
    "pastor deacon "
    "senator representative don dona monsieur madame mme chairman superintendent deputy agent dispatcher "
    "operator nurse uncle aunt "
    "tio tia abuela abuelo auntie"
).split()
# These are never a name themselves.
_HONORS: Final = frozenset(
    "mr mrs ms mx dr prof rev sra srta senora senorita msgr sgt lt capt ofc det insp supv mme rt rm".split()
)
_ROLES: Final = (
    "neighbor neighbors neighbour nieghbor neighboor owner owners tenant tenants landlord landlady resident "
    "residents caller constituent "
    "customer manager mgr super homeowner complainant requester requestor reporter witness driver contractor "
    "technician tech "
    "clerk crew operator husband wife son daughter mother father mom dad brother sister friend roommate boss "
    "girlfriend "
    "boyfriend grandmother grandfather cousin uncle aunt occupant vecino vecina dueno duena inquilino "
    "inquilina hermano hermana "
    "esposo esposa hijo hija amigo amiga senor senora casero casera madre padre janitor custodian landscaper "
    "electrician plumber "
    "coworker colleague assistant secretary staffer employee worker student teacher principal kid person man "
    "woman guy lady "
    "gentleman individual party suspect victim patient client agent rep representative applicant permittee "
    "licensee babysitter nanny "
    "guard doorman handyman mailman barber reverend coach partner fiance ex stepson nephew niece son-in-law"
).split()
_CUE1: Final = (
    dict.fromkeys(_ROLES, 2.6)
    | dict.fromkeys(_TITLES, 4.0)
    | dict.fromkeys("named attn attention atten signed contacted phoned texted soy llamo im c/o".split(), 4.0)
    | dict.fromkeys(
        "dear hi hello hey hola regards sincerely thanks thx gracias ty cc respectfully cheers best".split(), 2.6
    )
    | dict.fromkeys(
        "name names contact called call calls calling told asked emailed notified informed advised met ask "
        "nombre llame llamar "
        "llama thank text spoke talked reach visited helped interviewed supervised assisted accompanied".split(),
        2.4,
    )
    | dict.fromkeys("per by initials inspected completed w assigned submitted reported requested".split(), 1.8)
    | dict.fromkeys(
        "with from to via says and tell about against between thru through email see saw a con para know "
        "knows seen".split(),
        0.7,
    )
)


def _pairs(text: str, points: float) -> dict[str, float]:
    return {" ".join(pair.split()): points for pair in text.split("|")}


_CUE2: Final = (
    _pairs("next door", 2.6)
    | _pairs(
        """spoken to | spoken with | talk to | speaking with | spk with | spk w | spoke w | talking to | met
        with | names is | name was | im the
        | asked for | asking for | care of | is named | goes by | call for | reported by | submitted by |
        requested by | called by | signed by
        | completed by | inspected by | taken by | closed by | assigned to | written by | issued to | issued by
        | registered to | owned by
        | message for | called from | email from | complaint from | request from | note from | text from | tip
        from | update from | inquiry from | feedback from | letter from | report from | voicemail from | msg
        from | followed by
        | known as | a k | hable con | hablo con | hablar con | pregunte por | llame a | llamar a | de parte |
        many thanks | kind regards
        | best regards | warm regards | your friend | contact person | contact name | sent by | referred by |
        released to | leased to
        | request of | served on | wife of | son of | home of | of record | according to
        | husband of | daughter of | rented to | rented by | rents to | verified by | approved by""",
        3.2,
    )
    | _pairs(
        """forwarded to | refer to | given to | this is | caused by | performed by | belongs to | left by |
        point of | es de | sent to | made by
        | placed by | thank you | call from | done by | mail to | return to""",
        2.2,
    )
    | _pairs(
        """spoke with | spoke to | speak with | speak to | talked to | talked with | name is | i am | ask for |
        my name
        | se llama | me llamo""",
        4.0,
    )
)
# A cue reaches over these to the word after them.
_FILL: Final = frozenset(
    "is was the named mr mrs ms dr by from for a my our your his her es el la con w de and".split()
) | {"con", "st"}
_VERBS: Final = (
    dict.fromkeys(
        """called said says stated states reports reported requests requested wants wanted complained complains told asked
    lives works owns wrote emailed thinks believes refused phoned confirmed advised claims claimed mentioned
    answered dice
    dijo llamo vive quiere replied explained agreed complaining calls insists insisted noted yells yelled parks
    keeps promised responded apologized denied denies inquired asks texted dumped threw throws drives drove rents
    moved died fell tripped slipped spoke lived yelling wishes expressed feels felt hung picked left arrived came went
    stopped signed waited waiting resides handled told informs informed adv thanked threatened harassed
    verified calling""".split(),
        2.0,
    )
    | dict.fromkeys("is was will had who and can does did".split(), 0.5)
    | dict.fromkeys("has would needs".split(), 1.0)
)
_PLACES: Final = frozenset(
    """st street streets ave avenue av rd road ln lane ct court pl place dr drive ter terr terrace way blvd
    boulevard pkwy parkway cir
    circle sq square row path trail alley highway hwy expressway turnpike rotary mall park parks playground
    school schools station hospital
    church chapel temple bridge library building bldg center centre beach pond field fields plaza heights hts
    house houses apartments
    apts towers tower elementary academy cemetery restaurant pizza pizzeria market deli store cafe pub bar grill bank
    liquors liquor construction landscaping plumbing electric contracting contractors contractor inc llc corp
    co company bros
    brothers sons properties property realty management towing department dept commission district team line river
    creek island bay auto motors garage gym salon university college institute hotel inn club hall tunnel pier wharf
    dock hill hills village estates projects development housing gardens garden area neighborhood side end yard
    lot garbage trucking paving disposal waste services service systems supply roofing painting parish high middle
    statue memorial monument theater theatre museum pharmacy bakery laundromat cleaners foundation association assoc
    associates partners group stadium arena rink pool ballfield woods reservation reservoir brook swamp falls county
    city town beach airport exit ramp intersection corner crossing junction corridor oil gas energy grid family
    day parade festival marathon extension ext fire police precinct ward bus train stop landing point""".split()
)
# What a person can have, too: "Maria Lopez house", said without an apostrophe.
_SOFT: Final = frozenset(
    "house houses yard family area side end lot property properties garbage services service team apartments "
    "home exit police fire landing line day gas point apts garage school company bus".split()
)
_SAINTS: Final = frozenset(
    "saint san santa santo mount mt fort ft lake point port north south east west new old upper lower via "
    "camp cape".split()
)
_WHERE: Final = frozenset(
    "on at near in between along towards toward corner off behind across into down up intersection around "
    "past onto above below @ en entre".split()
)
_LINK: Final = frozenset("and & y e or".split())
_CONTRACTED: Final = re.compile(r"(?:n['’]t|['’](?:m|ll|ve|re|d|t))$", re.IGNORECASE)
_COMPASS: Final = frozenset("nsew")


@dataclass(slots=True)
class _Word:
    """What a token is, wherever it stands."""

    fold: str
    cut: int  # letters of the token that belong to the name; an "'s" does not
    points: float
    kind: str  # F f S T s r w, u: unknown, i: initial, #: number, m: mark, x: never
    shape: str  # U upper, T title, M mixed, l lower
    owned: bool  # ends with 's


_POINTS: Final = {"F": 3.0, "h": 1.2, "f": 0.8, "S": 1.5, "T": 1.0, "u": 0.9, "s": -0.3, "r": -1.5, "w": -3.0}


def _kind(fold: str, letters: str) -> str:
    """The kind that decides: a first name before a surname, a surname before a word."""
    if not letters:
        return "u"
    if "F" in letters:
        return "F"
    if "f" in letters or "g" in letters:
        surname = next((k for k in "ST" if k in letters), "")
        if "f" in letters:
            return "h" if surname else "f"
        return surname or next((k for k in "sr" if k in letters), "r")
    return next((k for k in "STsrw" if k in letters), "u") if len(fold) > 1 else "u"


def _shape(token: str) -> str:
    if token.islower():
        return "l"
    if token.isupper():
        return "U"
    return "T" if token[0].isupper() and token[1:].islower() else "M"


_IRISH: Final = re.compile(
    r"(?:O['’‘`][A-Z]|M[a]?c[A-Z]|(?:De|Di|La|Le|Da|Du|Van|Fitz|D['’]|N['’]|L['’])[A-Z])[a-zA-Zà-ÿ]{2}"
)
_IRISH_CAPS: Final = re.compile(r"(?:[oOdDnN]['’‘`][A-Za-z]{3,}|(?:MC|mc)(?:[A-Z]{4,}|[a-z]{4,}))")


def _compound(core: str, fold: str) -> tuple[str, float] | None:
    """Kind and points of an unknown word that is two plain ones: "foundNo", and "hotline", which could be a name too."""
    parts = re.findall(r"[a-z]+|[A-Z][a-z]*", core)
    if core[0].islower() and len(parts) == 2 and all(p.lower() in _STOP or lexicon.is_plain(p.lower()) for p in parts):
        return "w", -3.0
    if any(lexicon.is_plain(fold[:k]) and lexicon.is_plain(fold[k:]) for k in range(4, len(fold) - 3)):
        return "s", -0.8
    return None


def _slip(fold: str) -> str:
    """The plain word that an unknown one is with two neighbouring letters swapped, if it is one: "teannt"."""
    if len(fold) > 4:
        for k in range(1, len(fold) - 1):
            other = fold[:k] + fold[k + 1] + fold[k] + fold[k + 2 :]
            near = other in _STOP or other in _CITY or other in _CUE1
            if near or (len(fold) > 5 and lexicon.letters().get(other, "") in ("w", "rw", "sw")):
                return other
        if len(fold) > 6 and not _shorter(fold).isdisjoint(_known_slips()):
            return fold
    return ""


def _shorter(word: str) -> set[str]:
    """The word, and what it is with one letter left out."""
    return {word} | {word[:k] + word[k + 1 :] for k in range(len(word))}


@lru_cache(maxsize=1)
def _known_slips() -> frozenset[str]:
    """The longer words of service requests, each with one letter left out: two words that share one differ"""
    """by a letter."""
    return frozenset(slip for word in _CITY | set(_CUE1) | set(_VERBS) if len(word) > 6 for slip in _shorter(word))


def _read(token: str) -> _Word:
    """Classify one token by itself."""
    if token[0] == "[":
        return _Word(token, len(token), -9.0, "m", "l", owned=False)
    if token[0].isdigit() or "://" in token or token.startswith("www."):
        return _Word(token.lower(), len(token), -9.0, "#", "l", owned=False)
    owned = len(token) > 2 and token[-2] in "'’‘`" and token[-1] in "sS"
    core = token[:-2] if owned else token.rstrip("'’")
    fold = lexicon.fold(core)
    shape = _shape(core)
    if len(fold) <= 1:
        return _Word(fold, len(core), -0.5, "i" if shape != "l" else "x", shape, owned)
    letters = lexicon.letters().get(fold, "")
    if fold in _STOP_NAMES and (shape == "T" or fold in _MONTHS):
        return _Word(fold, len(core), -1.8, "f", shape, owned)
    if fold in _STOP or fold in _HONORS or (_CONTRACTED.search(core) and "S" not in letters):
        return _Word(fold, len(core), -6.0, "x", shape, owned)
    kind = _kind(fold, letters)
    points = _POINTS[kind]
    if kind in "uT" and len(fold) < 5:
        points -= (5 - len(fold)) * 0.3  # short and in no common list: sooner an abbreviation
    if fold in _CITY:
        # With a capital a word that is also a common surname can still be one: Hill, Brown, Green.
        named = shape == "T" and fold in _CAPITAL and kind in "fsr"
        kind, points = ("f" if kind == "f" else "s", -0.6) if named else ("w", -1.4 if fold in _CAPITAL else -3.0)
    elif fold in _ELSEWHERE:
        kind, points = "h" if kind in "Fhf" else "s", -1.5
    elif kind == "u" and (joined := _compound(core, fold)):
        kind, points = joined
    elif kind == "u" and (plain := _slip(fold)):
        return _Word(plain, len(core), -3.0, "w", shape, owned)
    elif kind not in "F" and (_IRISH.match(core) or (_IRISH_CAPS.match(core) and kind != "w")):
        kind, points = "S", 2.2 if "'" in core or "’" in core else 1.8
    return _Word(fold, len(core), points, kind, shape, owned)


@dataclass(frozen=True, slots=True)
class Traits:
    """What a word can have and give at most, wherever it stands."""

    points: float = -99.0
    cue: float = 0.0
    verb: float = 0.0
    first: int = 0  # number of the word among those that begin a cue of two words
    second: int = 0
    initial: float = 0.0
    passes: bool = False
    particle: bool = False
    single: bool = False
    likely: bool = False
    real: bool = False


_PAIR_FIRST: Final = {w: n for n, w in enumerate(sorted({pair.split()[0] for pair in _CUE2}), 1)}
_PAIR_SECOND: Final = {w: n for n, w in enumerate(sorted({pair.split()[-1] for pair in _CUE2}), 1)}


def pair_points() -> list[list[float]]:
    """Points of a cue of two words, by the numbers of its words; 0 stands for any other word."""
    out = [[0.0] * (len(_PAIR_SECOND) + 1) for _ in range(len(_PAIR_FIRST) + 1)]
    for pair, points in _CUE2.items():
        first, second = pair.split()
        out[_PAIR_FIRST[first]][_PAIR_SECOND[second]] = points
    return out


class NameFinder:
    """Finds the names of people in a text; `keep` are words and phrases of the city that are none."""

    def __init__(self, keep: Iterable[str] = ()) -> None:
        """Read the vocabulary; tokens are remembered once classified."""
        self._known: dict[str, _Word] = {}
        self._keep: set[str] = set()
        self._phrases: dict[str, list[tuple[str, ...]]] = {}
        for text in keep:
            words = tuple(lexicon.fold(w) for w in _GROUPS.findall(text))
            self._keep.update(w for w in words if len(w) > 2 and w not in _PLACES)
            if len(words) > 1:
                self._phrases.setdefault(words[0], []).append(words)

    def word(self, token: str) -> _Word:
        """The class of a token."""
        found = self._known.get(token)
        if found is None:
            if len(self._known) > 400_000:
                self._known.clear()
            found = self._known[token] = _read(token)
        return found

    def traits(self, token: str) -> Traits:
        """What a word can have at most, for screen.py; a token of letters and apostrophes."""
        parts = _TOKEN.findall(token)
        if not parts:
            return Traits()
        if len(parts) > 1:
            return Traits(points=99.0, real=True)
        word = self.word(parts[0])
        single, never = len(word.fold) == 1 and word.kind in "ix", word.kind in "#mix"
        role = 1.5 if _CUE1.get(word.fold) == 2.6 else 0.0
        capital = word.fold in _CAPITAL
        return Traits(
            points=word.points + (-0.3 if word.shape == "l" else 1.2) + (1.8 if word.owned else 0.0),
            cue=0.0 if word.owned else _CUE1.get(word.fold, 0.0),
            verb=_VERBS.get(word.fold, 0.0) + role,
            first=_PAIR_FIRST.get(word.fold, 0),
            second=0 if word.owned else _PAIR_SECOND.get(word.fold, 0),
            initial=0.0 if never or (word.kind == "w" and not capital) else 4.6 if capital else 3.6,
            passes=word.fold in _FILL or word.fold in _PARTICLES or single,
            particle=word.fold in _PARTICLES or single,
            single=single,
            likely=word.kind in "FfhSTus" or capital,
            real=not never,
        )

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where names are: start and end of each, in order, not overlapping."""
        found = list(_TOKEN.finditer(text))
        if not found:
            return []
        return _Reading(self, text, found).spans()

    def kept(self, folds: list[str]) -> list[float]:
        """Points that each word loses for being in the city's vocabulary."""
        out = [0.0] * len(folds)
        if not self._keep:
            return out
        for i, fold in enumerate(folds):
            if fold in self._keep:
                # Streets are called after people: a first name is still likely to be one.
                first = {"F", "f", "g"} & set(lexicon.letters().get(fold, ""))
                out[i] = min(out[i], -1.2 if first else -2.0)
            for phrase in self._phrases.get(fold, ()):
                if tuple(folds[i : i + len(phrase)]) == phrase:
                    for j in range(i, i + len(phrase)):
                        out[j] = -6.0
        return out


_END: Final = re.compile(r"[.!?;\n\r\t]|\s[-–—]{1,2}\s*$|^\s*[-–—]|:\s*$")
_JOIN: Final = frozenset((" ", "  ", "-", ".", ". ", "", " - ‐"))


class _Reading:
    """One text while it is read."""

    def __init__(self, finder: NameFinder, text: str, found: list[re.Match[str]]) -> None:
        self.text = text
        self.at = [m.start() for m in found]
        self.words = words = [finder.word(m.group()) for m in found]
        self.ends = [a + w.cut for a, w in zip(self.at, words, strict=True)]
        stops = [m.end() for m in found]
        self.gaps = [
            text[: self.at[0]],
            *(text[stops[i] : self.at[i + 1]] for i in range(len(words) - 1)),
            text[stops[-1] :],
        ]
        self.folds = [w.fold for w in words]
        self.keep = finder.kept(self.folds)
        real = [w for w in words if w.kind not in "#mi"]
        lower = sum(w.shape == "l" for w in real)
        self.flat = lower == len(real)  # no capitals at all
        self.proud = lower * 4 < len(real) and len(real) > 4  # capitals everywhere: they tell nothing
        self.cue = self._cues()
        self.points = [self._own(i) for i in range(len(words))]
        self._segments()
        self.marked = [False] * len(words)

    # -- what a word has by itself and from what stands around it ---------------

    def _cues(self) -> list[float]:
        """Points from the words before, passed on over small words."""
        cue = [0.0] * (len(self.words) + 1)
        for i, fold in enumerate(self.folds):
            here = _CUE1.get(fold, 0.0)
            if i and (pair := _CUE2.get(f"{self.folds[i - 1]} {fold}", 0.0)) > here and not self.gaps[i].strip():
                here = pair
            gap = self.gaps[i + 1]
            if self.words[i].owned:
                here = 0.0
            if fold in _FILL and cue[i] > here:
                here = cue[i] * 0.95
            if here and self._carries(fold, gap):
                cue[i + 1] = here
            elif gap.strip() == "-" and i + 3 >= len(self.words) - 1:
                cue[i + 1] = 1.5
        if re.search(r"[-–—~/]\s*$", self.gaps[0]):
            cue[0] = 1.0
        for i, word in enumerate(self.words[:-1]):
            # The first word of a name may be hard to tell: the cue counts for the second as well.
            if (
                cue[i] >= 1.8
                and (word.kind in "FfhSTusi" or (word.kind == "r" and word.shape != "l"))
                and self.gaps[i + 1] in (" ", ", ", ". ", "-")
            ):
                cue[i + 1] = max(cue[i + 1], cue[i] * 0.5)
        last = len(self.words) - 1
        for back in range(max(0, last - 3), last + 1):
            if back and re.search(r"[-–—~/\n]\s*$|  +$", self.gaps[back]):
                cue[back] = max(cue[back], 2.0 if re.search(r"[-–—~/\n]", self.gaps[back]) else 1.0)
        return cue

    @staticmethod
    def _carries(fold: str, gap: str) -> bool:
        bare = gap.strip()
        if not bare or bare in ("(", ":", "-", ",", "–", "—", "#", '"', "/", ": (", ",-", ":-", "=", "“", ".:", "'"):
            return True
        return bare in (".", "!", ".,", "!!", ",") and (
            fold in _TITLES or _CUE1.get(fold, 0.0) == 2.6 or fold in ("attn", "you", "w", "tel")
        )

    def _segments(self) -> None:
        """A run of nothing but possible names that ends the text, or stands before a telephone number: a"""
        """signature."""
        size = len(self.words)
        for end in range(size, 0, -1):
            closing = end == size
            bracket = self.gaps[end].startswith(")")
            if not closing and not bracket and self.words[end].kind != "m":
                continue
            begin = end
            while begin and self._nameable(begin - 1) and (begin == end or not self.gaps[begin].strip(" .,-'’")):
                begin -= 1
            if not 0 < end - begin < 5 or not any(
                self.words[k].kind in "FhfSTu" and len(self.folds[k]) > 2 for k in range(begin, end)
            ):
                continue
            # At the end it must stand apart from the sentence before.
            apart = begin == 0 or bool(re.search(r"[.!?\n/~|–—-]\s*$|\s-\s*$|   ?$", self.gaps[begin]))
            if closing and (not apart or begin == 0):
                continue
            if bracket and not self.gaps[begin].endswith("("):
                continue
            apart = apart or bracket
            for k in range(begin, end):
                self.points[k] += 1.8 if apart else 0.8

    def _nameable(self, i: int) -> bool:
        word = self.words[i]
        lone = word.kind in "ix" and len(word.fold) == 1
        return (
            lone
            or (word.kind in "FfhSTusr" and (word.kind != "r" or word.shape != "l"))
            or word.fold in _PARTICLES
            or word.fold in _SUFFIXES
        )

    def _initial_at(self, i: int) -> bool:
        """A single letter; in lower case only with its dot."""
        word = self.words[i]
        if len(word.fold) != 1 or word.kind not in "ix":
            return False
        dotted = self.gaps[i + 1].startswith(".")
        return (
            dotted
            or (word.kind == "i" and word.fold not in "aiyoe")
            or (self.flat and word.fold in "bcdfghjklmnpqrtvwxz")
        )

    def _starts(self, i: int) -> bool:
        return i == 0 or bool(_END.search(self.gaps[i])) or self.words[i - 1].kind == "m"

    def _case(self, i: int) -> float:
        """Points for capitals, as far as capitals tell anything in this text."""
        shape = self.words[i].shape
        if shape == "l":
            return -0.3 if self.flat else -0.4 if self.words[i].kind == "F" else -1.0
        if self.proud or (shape != "U" and self._starts(i)):
            return 0.0
        if shape == "U":
            beside = [
                self.words[j].shape == "U" and self.words[j].kind != "i"
                for j in (i - 1, i + 1)
                if 0 <= j < len(self.words)
            ]
            if not any(beside) and self.words[i].kind in "uT" and self.ends[i] - self.at[i] < 7:
                return -1.5  # an acronym
            return 0.0 if any(beside) or self.ends[i] - self.at[i] < 4 else 0.5
        return 1.2

    def _around(self, i: int) -> float:
        """Points for the word after: a verb of people or their number; and against: a kind of place."""
        total, word = 0.0, self.words[i]
        if i + 1 < len(self.words):
            after, gap = self.words[i + 1], self.gaps[i + 1]
            if not gap.strip():
                total += _VERBS.get(after.fold, 0.0)
            if after.kind == "m" or self.folds[i + 1 : i + 3] == ["at", "[phone]"]:
                total += 1.2
            if gap.strip() in (",", "(") and after.fold in _CUE1 and _CUE1[after.fold] == 2.6:
                total += 1.5
        if word.owned and word.shape != "l":
            total += 1.8 if word.kind in "uFfSTh" else 0.8
        elif word.owned and word.kind in "FuST":
            total += 1.8 if self.flat else 0.8
        return total - self._placed(i)

    def _placed(self, i: int) -> float:
        """How much says that this is a place or a firm."""
        total = 0.0
        for j in range(i + 1, min(i + 4, len(self.words))):
            if self.gaps[j].strip(" .'&-") or (
                j > i + 1 and self.words[j - 1].kind in "xw" and self.words[j - 1].shape == "l"
            ):
                break
            if (self.folds[j] in _PLACES and self.gaps[j] != ". ") or (j > i + 1 and self.folds[j] in _PLACES):
                soft = self.folds[j] in _SOFT
                if self.folds[j] in _CAPITAL and self.cue[i] >= 2.2:
                    return total + 1.0  # "called Lorelle Hall"
                total += (3.0 if soft else 5.0) if j == i + 1 else 0.0 if soft else 4.0
                break
        if i == 0:
            return total
        before, gap = self.folds[i - 1], self.gaps[i].strip()
        sure = self.words[i].kind == "F"
        if before in _WHERE and not gap:
            total += 0.5 if sure else 1.7
        elif before in _SAINTS and not gap and self.words[i - 1].shape != "l":
            total += 2.5
        elif self.words[i - 1].kind == "#" and not gap and not self.words[i].owned:
            total += 0.8 if sure else 1.7
        elif (
            before == "of"
            and i > 1
            and self.folds[i - 2] in ("corner", "city", "intersection", "town", "front", "end", "side")
        ):
            total += 3.0
        return total

    def _own(self, i: int) -> float:
        word = self.words[i]
        if word.kind in "#mix":
            return word.points
        if word.kind == "w" and not self.cue[i] and word.fold not in _CAPITAL:
            return word.points + self.keep[i]  # most words by far
        cue = min(self.cue[i], 2.0) if word.kind == "w" and word.fold not in _CAPITAL else self.cue[i]
        return word.points + self._case(i) + cue + self._around(i) + self.keep[i]

    # -- names beside one another -----------------------------------------------

    def _beside(self, i: int, j: int) -> float:
        """Points that word i has from its neighbour j, marked or not; j is i - 1 or i + 1."""
        low, high = min(i, j), max(i, j)
        gap = self.gaps[high]
        me, other = self.words[i], self.words[j]
        if self.words[low].owned:
            return 0.0
        if gap == "," or gap == ", ":
            alone = (
                i == high
                and self.marked[j]
                and not (j and self.marked[j - 1] and self.words[j - 1].kind == "F")
                and other.kind in "STuhsr"
            )
            if alone and me.kind in "FfhSTu" and me.shape == other.shape:
                return 2.2
            if i == low and self.marked[j] and self.cue[i] >= 1.8 and me.kind in "STuhsrf" and me.shape == other.shape:
                return 2.4
            return self._comma(me, other, first=i == low)
        if gap not in _JOIN or (gap == ". " and not self._initial_at(low)):
            return self._listed(i, j, gap)
        if self._initial_at(j):
            return self._initial(me, other, gap, before=j < i) + self._past_initial(i, j)
        if self.marked[j]:
            # "Bill Brackenbury": a word that is a first name too, before what is surely a name.
            return self._joined(me, other, gap, after=j < i) + (
                1.4 if i == low and (me.kind in "fh" or me.fold in _CAPITAL) else 0.0
            )
        return self._pair(me, other, first=i == low) if me.kind in "fhFSTu" else 0.0

    def _past_initial(self, i: int, j: int) -> float:
        """What the word beyond a middle initial gives."""
        k = 2 * j - i
        if not 0 <= k < len(self.words) or self.gaps[max(j, k)] not in _JOIN:
            return 0.0
        me, other = self.words[i], self.words[k]
        if self.marked[k]:
            return self._joined(me, other, " ", after=k < i)
        return 1.0 if other.kind in "FfhSTu" and me.kind in "FfhSTu" else 0.0

    def _joined(self, me: _Word, other: _Word, gap: str, *, after: bool) -> float:
        if gap == "-":
            return 5.6 if me.kind == "w" and me.shape == other.shape != "l" else 4.5
        if me.shape == "l" and other.shape != "l":
            return 1.0 if me.kind in "STF" else 0.0
        if self.flat or self.proud or me.shape == "U":
            if me.fold in _VERBS:
                return 1.0
            if me.fold in ("le", "west") and after:
                return 4.2
            if me.kind == "w":
                return 4.0 if me.fold in _CAPITAL else 0.0
            return {"s": 3.2, "r": 4.2 if after else 2.0, "u": 2.2, "h": 3.8}.get(me.kind, 2.5)
        if me.kind == "w":
            return 2.8 if me.fold in _CAPITAL else 1.0
        return 3.2 if me.kind in "sr" else 2.5

    @staticmethod
    def _comma(me: _Word, other: _Word, *, first: bool) -> float:
        """ "Last, First"."""
        if first:
            if me.kind == "s" and other.kind == "F" and me.shape == other.shape:
                return 2.8
            return 1.5 if other.kind in "Ff" and other.shape == me.shape and me.kind in "STuhs" else 0.0
        return 1.2 if other.kind in "STs" and other.shape == me.shape and me.kind in "Ffhu" else 0.0

    def _listed(self, i: int, j: int, gap: str) -> float:
        """After a name and a slash or an ampersand."""
        if j < i and self.marked[j] and gap.strip() in ("/", "&", "+", ",", ". /", "./", "/ "):
            return 1.6 if self.words[i].kind != "w" else 0.5
        return 0.0

    def _initial(self, me: _Word, other: _Word, gap: str, *, before: bool) -> float:
        if me.kind == "x" or (me.kind == "w" and me.fold not in _CAPITAL) or (me.shape == "l" and other.shape != "l"):
            return 0.0
        if before:
            compass = other.fold in _COMPASS and gap != "."
            return 0.8 if compass else (4.6 if me.fold in _CAPITAL else 3.6) if "." in gap else 2.2
        return 1.2 if me.kind in "FfhSTu" else 0.0

    def _pair(self, me: _Word, other: _Word, *, first: bool) -> float:
        """Two candidates that make one another likelier."""
        if other.kind not in "FfhSTus" or ("l" in (me.shape, other.shape) and me.shape != other.shape):
            return 0.0
        if me.kind in "fh" and first:
            return 2.0 if other.kind == "S" else 1.2 if other.kind in "Tu" else 0.8
        if other.kind == "s" or (me.kind == "u" == other.kind and (self.flat or self.proud)):
            return 0.0
        return 1.3 if me.kind + other.kind in ("SS", "ST", "TS", "hS", "Sh", "SF", "TF", "uF") else 0.8

    def _linked(self, i: int) -> float:
        """After a name and "and"."""
        if i > 1 and self.folds[i - 1] in _LINK and self.marked[i - 2] and self.words[i].kind in "FfhSTu":
            return 1.6
        return 0.0

    def _over(self, i: int) -> float:
        """A name or a cue reaches over "de la" and the like to this word."""
        j = i - 1
        while (
            j >= 0
            and (self.folds[j] in _PARTICLES or (j < i - 1 and self._initial_at(j)))
            and i - j < 4
            and not self.gaps[j + 1].strip(" .'-")
        ):
            j -= 1
        if j == i - 1:
            return 0.0
        if j >= 0 and self.marked[j]:
            return {"w": 1.0, "r": 4.2, "s": 3.4}.get(self.words[i].kind, 2.8)
        return max(self.cue[j + 1] - self.cue[i], 0.0) + (
            1.0 if self.words[i].kind in "STuF" and self.words[i].shape == "T" else 0.0
        )

    def _total(self, i: int) -> float:
        total = self.points[i] + self._linked(i) + self._over(i)
        if i:
            total += self._beside(i, i - 1)
        if i + 1 < len(self.words):
            total += self._beside(i, i + 1)
        return total

    def _open(self, i: int) -> bool:
        """Whether anything beside it can make this word a part of a name."""
        word = self.words[i]
        if word.kind in "#mix":
            return False
        if word.kind == "w" and word.fold not in _CAPITAL and "-" not in (self.gaps[i], self.gaps[i + 1]):
            return self.points[i] > -1.7
        return self.points[i] > -4.5

    def spans(self) -> list[tuple[int, int]]:
        """Mark until nothing changes, then join what belongs together."""
        size = len(self.words)
        open_ = [i for i in range(size) if self._open(i)]
        for _ in range(4):
            new = [i for i in open_ if not self.marked[i] and self._total(i) >= THRESHOLD]
            if not new:
                break
            for i in new:
                self.marked[i] = True
        if not any(self.marked):
            return []
        self._small_parts(size)
        return self._merged(size)

    def _small_parts(self, size: int) -> None:
        """Initials, particles and suffixes that stand within or beside a name."""
        for i in reversed(range(size)):
            if self.marked[i]:
                continue
            near = i + 1 < size and self.marked[i + 1] and not self.gaps[i + 1].strip(" .-'")
            past = i > 0 and self.marked[i - 1] and not self.gaps[i].strip(" .,-'")
            initial = self._initial_at(i) and (near or (past and self.gaps[i].strip() == ""))
            particle = (
                self.folds[i] in _PARTICLES
                and near
                and len(self.gaps[i + 1]) < 2
                and (self.words[i].shape != "l" or self.flat or self._before(i))
            )
            saint = (
                near
                and self.folds[i] == "st"
                and len(self.gaps[i + 1]) < 3
                and ("." in self.gaps[i + 1] or i == 0 or self.marked[i - 1] or self.cue[i] >= 1.8)
            )
            self.marked[i] = initial or particle or saint or (past and self.folds[i] in _SUFFIXES)
        for i in range(1, size):
            if (
                not self.marked[i]
                and self.marked[i - 1]
                and self.folds[i] in _SUFFIXES
                and not self.gaps[i].strip(" .,")
            ):
                self.marked[i] = True

    def _before(self, i: int) -> bool:
        return i > 0 and (self.marked[i - 1] or self.folds[i - 1] in _PARTICLES or self.cue[i] > 2)

    def _merged(self, size: int) -> list[tuple[int, int]]:
        out: list[tuple[int, int]] = []
        for i in range(size):
            if not self.marked[i]:
                continue
            start, end = self.at[i], self.ends[i]
            if out and i and self.marked[i - 1] and not self.words[i - 1].owned and self._one(i):
                start = out.pop()[0]
            out.append((start, end))
        return out

    def _one(self, i: int) -> bool:
        gap = self.gaps[i]
        return (
            not gap.strip(" -'’")
            or (gap.strip() in (".", ".-") and self.words[i - 1].kind == "i")
            or gap.strip() == ","
        )
