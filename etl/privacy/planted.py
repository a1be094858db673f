"""Made-up service texts with personal data planted in them, and clean ones, to measure a redactor on.

Charter: texts and where the planted items stand; measuring is evaluate.py's.
Deterministic by the seed. The names in HELD_OUT are left out of the redactor's
lexicon when it is made, and more than half of the planted names are drawn from
them, so that the figures tell how names are found that no list holds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Origin: first names and surnames that lists usually have.
_COMMON: Final = {
    "anglo": ("James Mary Robert Linda Susan Kevin Brian Karen Mark Grace Will Rose Heather Scott Bill Dawn Peter",
              "Smith Johnson Brown Miller Hill Green Baker Walker Young Carter Hall Price Reed Harris Cook Woods"),
    "hispanic": ("Maria Jose Luis Carmen Rosa Juan Miguel Ana Angel Jesus Guadalupe Xiomara Altagracia",
                 "Garcia Rodriguez Martinez De la Cruz Santos Rivera Colon Reyes Ortiz Del Rio Vega"),
    "vietnamese": ("Anh Minh Hung Linh Thuy Huong Tuan Kim Van", "Nguyen Tran Le Pham Huynh Vo Dang Bui Do Ngo Ly"),
    "chinese": ("Wei Li Ming Xiu Jun Yan Hong Mei Xin", "Wang Chen Li Zhang Liu Huang Lin Wong Chan Leung Ng"),
    "haitian": ("Jean Marie Pierre Wilner Guerda Ronald Nadege", ("Jean-Baptiste Pierre Joseph Charles Louis "
    "Desir Saint-Louis")),
    "cape_verdean": ("Joao Manuel Antonio Maria Fatima Domingos", ("Barros Monteiro Andrade Gomes Pires Da "
    "Silva Fernandes Lopes")),
    "irish": ("Sean Patrick Brendan Maureen Colleen Siobhan", ("O'Brien Murphy McCarthy O'Connor Kelly "
    "McDonough Walsh Lynch")),
    "italian": ("Anthony Vito Carmela Gino Salvatore", "Russo DiNapoli Esposito Romano D'Angelo Marino"),
    "arabic": ("Mohammed Fatima Ahmed Omar Layla Hassan", "Al-Sayed Hussein Khan Ali Haddad Mansour"),
    "indian": ("Priya Raj Anita Sanjay Deepak Lakshmi", "Patel Singh Sharma Gupta Reddy Iyer"),
    "african": ("Abdi Amina Kwame Grace Emmanuel Blessing", "Okafor Mensah Diallo Ahmed Mohamed Tesfaye"),
}  # fmt: skip

# Origin: the same, of names that the lexicon was made without.
_RARE: Final = {
    "anglo": ("Thornell Averill Kesley Brantlee Jerrick Damaris Wendolyn Lorelle Hadleigh Tamsin Corwyn Eustacia",
              ("Whittemore Thistlewood Brackenbury Hollingshead Pemberwick Ashdown-Crowe Fairweather Ormsby "
              "Penhallow Stallybrass Cruikshank")),
    "hispanic": ("Yesenia Eulogio Dayanara Maribelis Wilfrido Yokasta Anyelina Heriberta Deyanira Leocadio",
                 ("Peralta-Mejia Tavarez Echevarria Villafane Betancourt Quiñones Matanzo Urrutia Zumbado "
                 "Arroyave De los Santos")),
    "vietnamese": ("Khanh Ngoc Diep Quyen Phuong Nhung Trinh Thien", ("Quach Truong Phung Luong Nghiem Doan "
    "Thach Kieu")),
    "chinese": (("Xiaoming Zhiqiang Guanting Yuehua Shuzhen Waikit Siuling "
    "Jiahui"), "Ouyang Szeto Kwong Xue Zheng Guan Qiu Moy Louie"),
    "haitian": (("Mirlande Fabiola Dieudonne Wisly Jocelerme Roselaure Ketsia "
    "Lunise"), "Desrosiers Toussaint Guerrier Dorvilus Exantus Petit-Frere Cadet Noncent"),
    "cape_verdean": (("Adalgisa Nilton Djamila Edmilson Zenaida Orlandina "
    "Valdir"), "Tavares Semedo Varela Furtado Cabral-Mendes Lobo Baptista Teixeira"),
    "irish": ("Caoimhe Aoife Fionnuala Diarmuid Padraig Eoin Oisin", ("O'Shaughnessy McGillicuddy O'Dowd "
    "MacSweeney McElhinney Geoghegan Ó Cuinn Mulvihill")),
    "italian": ("Ermenegildo Concetta Pasqualina Gaspare Fiorella Ugo", ("Iacobucci Scarpaci Mastrangelo "
    "DeLuca-Ferri Tocci Quattrocchi Lo Presti Santoro")),
    "arabic": ("Abdulrahman Noureddine Rawan Ghassan Zaynab Khadija", ("El-Khoury Benjelloun Abu-Zaid Almasri "
    "Shaheen Bouazizi Al Qahtani")),
    "indian": ("Venkatesh Harpreet Anjali Gurleen Suresh Madhavi", ("Krishnamurthy Chattopadhyay Ramaswamy "
    "Deshpande Bhattarai Kaur Venkataraman")),
    "african": ("Oluwaseun Chidinma Nkechi Adewale Tsegaye Folasade Yaw", ("Adeyemi Nwachukwu Owusu-Ansah "
    "Gebremariam Tchouameni Oyelowo Mbaye")),
}  # fmt: skip

_PARTS: Final = re.compile(r"[ -]")
HELD_OUT: Final = frozenset(
    part.replace("'", "")
    for firsts, lasts in _RARE.values()
    for part in _PARTS.split(f"{firsts} {lasts}")
    if part.lower() not in "de los lo el al abu ó petit cadet louie lobo".split()
)


@dataclass(frozen=True, slots=True)
class Item:
    """One planted detail: its kind and where it stands."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what is planted in it; a clean text has no items."""

    text: str
    items: tuple[Item, ...] = ()


def _names(text: str) -> list[str]:
    """A list as written above; "De la Cruz" and "Ó Cuinn" are one name."""
    return re.findall(r"(?:De la|De los|Del|Da|Lo|Al|Ó) \S+|\S+", text)


_FIRST: Final = {
    "known": {o: _names(v[0]) for o, v in _COMMON.items()},
    "rare": {o: _names(v[0]) for o, v in _RARE.items()},
}
_LAST: Final = {
    "known": {o: _names(v[1]) for o, v in _COMMON.items()},
    "rare": {o: _names(v[1]) for o, v in _RARE.items()},
}
_RARE_SHARE: Final = 0.6


class _Maker:
    """Draws values of each kind."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - a repeatable text, no secret

    def _digits(self, pattern: str) -> str:
        return re.sub(
            "#", lambda _: str(self.draw.randrange(10)), re.sub("N", lambda _: str(self.draw.randrange(2, 10)), pattern)
        )

    def first(self) -> tuple[str, str]:
        origin = self.draw.choice(sorted(_COMMON))
        return origin, self.draw.choice(_FIRST["rare" if self.draw.random() < _RARE_SHARE else "known"][origin])

    def last(self, origin: str) -> str:
        return self.draw.choice(_LAST["rare" if self.draw.random() < _RARE_SHARE else "known"][origin])

    def person(self) -> str:
        """A name as people write it where nothing else tells that it is one."""
        origin, first = self.first()
        last = self.last(origin)
        letter = self.draw.choice("ABCDEGHJKLMPRT")
        if origin == "vietnamese" and self.draw.random() < 0.4:
            return f"{last} {self.draw.choice(['Van', 'Thi', 'Thanh'])} {first}"
        styles = [f"{first} {last}"] * 6 + [f"{first} {letter}. {last}", f"{last}, {first}", f"{first} {letter} {last}"]
        if origin in ("hispanic", "cape_verdean"):
            styles += [f"{first} {last} {self.last(origin)}"] * 2
        if self.draw.random() < 0.1:
            styles = [f"{letter}. {last}", f"{letter}.{last}", f"{first} {last} Jr."]
        return self.draw.choice(styles)

    def short(self) -> str:
        """A first name alone."""
        return self.first()[1]

    def titled(self) -> str:
        """A surname behind a title, which the template writes."""
        return self.last(self.draw.choice(sorted(_COMMON)))

    def phone(self) -> str:
        form = self.draw.choice(
            "N##-N##-####|N##-N##-####|(N##) N##-####|(N##)N##-####|N##.N##.####|N## N## ####|N##N######|+1 "
            "N## N## ####|1-N##-N##-####|"
            "+1N##N######|N##-N##-#### x##|N##-N##-#### ext. ###|N##/N##-####|N##–N##–####|N##-####"
            "|N##-N######|1 (N##) N##-####".split("|")
        )
        # The area code and exchange of a service (N11) are no person's number.
        return re.sub(r"\b([2-9])11\b", r"\g<1>17", self._digits(form))

    def email(self) -> str:
        _, first = self.first()
        last = self.last(self.draw.choice(sorted(_COMMON)))
        user = (
            re.sub(r"[^a-z]", "", first.lower())
            + self.draw.choice([".", "_", "", "dot"])
            + re.sub(r"[^a-z]", "", last.lower())
        )
        user += self.draw.choice(["", "", str(self.draw.randrange(1, 99))])
        host = self.draw.choice(["gmail", "yahoo", "hotmail", "comcast", "aol", "bostonmail", "my-company"])
        end = self.draw.choice(["com", "net", "org"])
        return self.draw.choice(
            [f"{user}@{host}.{end}"] * 4
            + [
                f"{user} at {host} dot {end}",
                f"{user}[at]{host}.{end}",
                f"{user} (at) {host} (dot) {end}",
                f"{user} @ {host}.{end}",
                f"{user}@{host}.co.uk",
            ]
        )

    def plate(self) -> str:
        form = self.draw.choice(
            "### XXX|#XXX##|XXX-####|#XXX###|XXX ####|###XX#|#XX ###|XXX####|XX##XX|### XX#|#XX-X##|XX-#####".split("|")
        )
        return self._digits(re.sub("X", lambda _: self.draw.choice("BCDFGHJKLMPRSTVWXYZ"), form))

    def card(self) -> str:
        body = self.draw.choice(["4", "51", "52", "6011", "37"])
        size = 14 if body == "37" else 15
        body += "".join(str(self.draw.randrange(10)) for _ in range(size - len(body)))
        total = sum(d if k % 2 else (d * 2 - 9 if d > 4 else d * 2) for k, d in enumerate(map(int, reversed(body))))
        whole = body + str(-total % 10)
        if len(whole) == 15:
            return self.draw.choice([whole, f"{whole[:4]} {whole[4:10]} {whole[10:]}"])
        return self.draw.choice(["", " ", "-"]).join(whole[i : i + 4] for i in range(0, 16, 4))

    def ssn(self) -> str:
        return self._digits(self.draw.choice(["N##-N#-N###", "N##-N#-N###", "N## N# N###", "N##N#N###", "N##.N#.N###"]))


# {name}: a whole name, {first}: a first name, {last}: a surname behind a title.
_TEMPLATES: Final = {
    "name": (
        "Spoke with {name} re missed trash pickup, will call back",
        "My neighbor {name} keeps putting bulk items out on the wrong day",
        "Called {name}, left voicemail about the inspection",
        "{name} called to report a broken street light on the corner",
        "Per {name}, sidewalk was repaired last week",
        "owner {name} says tree roots lifted the sidewalk",
        "Please contact {name} before coming, gate is locked",
        "Resident {name} states that rats come from the lot next door",
        "Case Resolved. Inspector {last} visited the site, no violation found",
        "Mr. {last} complained about double parked cars",
        "Ms {last} wants the dead cat picked up asap",
        "Pothole filled. Thanks, {first}",
        "There is a mattress in front of my house for 3 weeks. {name}",
        "tenant {first} has no heat since monday",
        "Mrs. {last}'s car was damaged by a falling limb",
        "Referred to supervisor {name} for follow up",
        "replaced lamp and ballast - {name}",
        "My name is {name} and I live near the playground",
        "I am {name}. The storm drain is clogged again",
        "ask for {first} at the front desk",
        "attn: {name} - second request, still no answer",
        "Landlord {name} refuses to fix the broken steps",
        "{first} said the crew never showed up",
        "{name} lives upstairs and plays loud music after 2 am",
        "El vecino {name} tira basura en la calle todos los dias",
        "Favor de llamar a {name}, el hidrante esta roto",
        "me llamo {name} y no hay luz en la esquina",
        "caller {name} reports water leak, sent crew",
        "Notified {name} that the permit is required",
        "dog belongs to {name} who lives across the street",
        "met with {name} on site, agreed to remove the fence",
        "Installed new pole and tied in. {name}",
        "Complaint from {name} about graffiti on the wall",
        "The guy next door, {name}, parks on the sidewalk every night",
        "Dr. {last} asked for a handicap spot",
        "Dear {first}, the crew replaced the cart today",
        "Officer {last} issued a ticket and the car was towed",
        "Closed by {name}, duplicate of case 101001{six}",
        "Request from {name}: please trim the tree in front of number {two}",
        "spoke to {first} he will pick up the cart",
        "{first}'s dog is loose in the park again",
        "work done by {name}",
        "Inspected by {name} and found in compliance",
        "contractor {name} left debris in the street",
    ),
    "phone": (
        "call me at {phone} when crew is on the way",
        "My number is {phone}, broken light has been out 2 weeks",
        "Left message at {phone}. Case closed",
        "please call {phone} before you come",
        "constituent can be reached at {phone} after 5 pm",
        "cell {phone} - pothole blew my tire on the avenue",
        "Phone: {phone}. Trash missed again",
        "text {phone} pls, tree fell on the sidewalk",
        "tel {phone} case 101001{six}",
        "llame al {phone} por favor, no hay luz",
        "Contacted owner by phone {phone}, will remove the snow",
    ),
    "email": (
        "send photos to {email} please",
        "my email is {email} thanks",
        "Replied to {email} on 6/12/15",
        "contact: {email}, missed recycling twice",
        "Constituent wants update by email {email} when done",
        "mi correo es {email} gracias",
        "You can reach me at {email} or leave a note",
    ),
    "plate": (
        "car with plate {plate} blocks my driveway",
        "white honda, MA plate {plate}, abandoned 3 weeks",
        "License plate number is {plate}, parked in a bus stop",
        "lic plate: {plate} double parked every morning",
        "vehicle tag {plate} on the sidewalk",
        "black truck MA reg {plate} dumping trash by the river",
        "{plate} is the plate of the van that hit the pole",
        "Abandoned vehicle, NH plates {plate}, flat tires",
        "carro con placa {plate} bloquea el hidrante",
        "RI plate# {plate} towed on 7/2",
        "Toyota Camry plate {plate}, no permit sticker",
    ),
    "card": (
        "paid the fee with card {card} and never got the sticker",
        "my visa {card} was charged twice for the permit",
        "Credit card number {card} exp next year, please refund",
        "resident gave card no {card} over the phone",
        "debit card {card} declined at the kiosk",
    ),
    "ssn": (
        "my ssn is {ssn} if you need it for the claim",
        "SSN {ssn} given for the housing list",
        "social security number {ssn} on papers dumped in the alley",
        "Found mail with social security {ssn} on it",
        "applicant soc sec # {ssn}",
        "seguro social {ssn} para la solicitud",
    ),
    "mixed": (
        "{name} {phone} called about the missed pickup",
        "Spoke with {name} at {phone}, will send pictures to {email}",
        "{name}, {email}, wants the tree pruned",
        "Owner {name} ({phone}) has been notified of the violation",
        "My neighbor {name} with the truck plate {plate} parks on the grass",
        "call {first} on {phone} to open the gate",
    ),
}
_SHARES: Final = {"name": 0.48, "phone": 0.13, "email": 0.10, "plate": 0.11, "card": 0.06, "ssn": 0.06, "mixed": 0.06}

_CLEAN: Final = (
    "Pothole on {street} near number {two} is getting bigger every day",
    "Case Closed. Case Resolved. Work completed {date}.",
    "Duplicate of case 101001{six}",
    "Crew removed graffiti from the wall at {two} {street}",
    "Street light out at the corner of {street} and {street}",
    "Hydrant {four} is leaking since {date}",
    "New cart #07144{five} delivered {date}",
    "Recycling was not picked up on {street} this week, other side was",
    "rats in the alley behind {street}, very bad smell",
    "hay mucha basura en la calle {street} desde el lunes",
    "The city apologizes for the inconvenience this necessary work caused",
    "Pole {four} has exposed wires, please fix asap, kids walk there",
    "No basis. Inspector visited at 9:15 am on {date} and found no violation",
    "Referred to Parks and Recreation Department for review",
    "ZIP 02{three}, permit 2015-{five}, fee was ${two}.50",
    "Car parked in front of hydrant at {two} {street} for 3 hours",
    "Tree limb fell on the sidewalk during the storm last night",
    "crew could not locate the problem, need more information",
    "The new tree was planted by the landscaping contractor in the Spring of 2015",
    "WATER LEAK IN FRONT OF {two} {street} SINCE THIS MORNING",
    "Location 42.35{two}, -71.05{two} has broken glass",
    "sidewalk is lifted by roots, my mother tripped there on {date}",
    "No heat in apartment 3B for four days, landlord does not answer",
    "REPLACED GLOBE AND MANTLE, UNIT WORKING, NO PROBLEM FOUND",
    "Snow was not plowed on {street}, cars are stuck",
    "please send somebody to pick up dead raccoon at {two} {street}",
    "Loud music from a bar on {street} until 3 am every weekend",
    "The brown house next to the church has a broken fence",
    "Request for a grant to mark the cross walk at Park and Hill",
    "Signal timing at {street} and {street} may need review, will study in June",
    "BWSC contractor was notified and will repair the trench by {date}",
    "Syringes found in the playground near the swings",
    "bulk item: 1 mattress and 2 chairs, sticker number {six}",
    "se necesita limpiar el parque, hay vidrios y agujas",
    "bus stop bench is broken, route {two}",
    "Traffic signal flashing red at the school, crossing guard needed",
    "Case Noted. Existing case number is 101001{six}, see that case for status",
    "recieved a ticket for parking but the sign was missng",
    "Streetlight pole 12{two} knocked down by a truck overnight",
)
_STREETS: Final = (
    "Tremont St",
    "Blue Hill Ave",
    "Washington St",
    "Commonwealth Avenue",
    "Dorchester Ave",
    "Maple Rd",
    "Franklin St",
    "Hancock Street",
    "Boylston St",
    "Centre St",
    "Park Street",
    "Mission St",
    "Market Street",
    "Grove Ln",
    "Beacon St",
    "Warren Ave",
    "Marion St",
    "Columbia Road",
    "Hyde Park Ave",
    "Geneva Ave",
    "Charles Street",
    "Adams St",
)
_SLOT: Final = re.compile(r"\{(\w+)\}")


def _filled(maker: _Maker, template: str) -> tuple[str, list[tuple[str, int, int]]]:
    """The template with its slots drawn, and where the personal ones are."""
    text, items, at = "", [], 0
    makers = {
        "name": maker.person,
        "first": maker.short,
        "last": maker.titled,
        "phone": maker.phone,
        "email": maker.email,
        "plate": maker.plate,
        "card": maker.card,
        "ssn": maker.ssn,
    }
    plain = {"two": "N#", "three": "1##", "four": "N###", "five": "N####", "six": "N#####"}
    for slot in _SLOT.finditer(template):
        text += template[at : slot.start()]
        at, kind = slot.end(), slot[1]
        if kind in makers:
            value = makers[kind]()
            items.append(("name" if kind in ("name", "first", "last") else kind, len(text), len(text) + len(value)))
        elif kind == "street":
            value = maker.draw.choice(_STREETS)
        elif kind == "date":
            value = maker._digits(f"{maker.draw.randrange(1, 13)}/{maker.draw.randrange(1, 29)}/15")
        else:
            value = maker._digits(plain[kind])
        text += value
    return text + template[at:], items


def _sloppy(maker: _Maker, text: str, items: Iterable[tuple[str, int, int]]) -> str:
    """Letters changed as people do, without moving anything: case, and a slip of the finger in a plain word."""
    style = maker.draw.random()
    if style < 0.15:
        # Some letters have a capital of two: those stay as they are.
        return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)
    if style < 0.32:
        return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    if style < 0.42:
        inside = {k for _, start, end in items for k in range(start, end)}
        places = [m.start() for m in re.finditer(r"(?<=[a-z]{2})[a-z]{2}(?=[a-z])", text) if m.start() not in inside]
        if places:
            k = maker.draw.choice(places)
            return text[:k] + text[k + 1] + text[k] + text[k + 2 :]
    return text


def examples(seed: int, count: int = 2000, clean: int = 400, vocabulary: Iterable[str] = ()) -> list[Example]:
    """At least `count` texts with something planted, and `clean` without; `vocabulary` are street names for"""
    """the latter."""
    maker = _Maker(seed)
    kinds, weights = list(_SHARES), list(_SHARES.values())
    words = sorted(set(vocabulary))
    out = []
    for _ in range(count):
        text, items = _filled(maker, maker.draw.choice(_TEMPLATES[maker.draw.choices(kinds, weights)[0]]))
        out.append(Example(_sloppy(maker, text, items), tuple(Item(*item) for item in items)))
    for _ in range(clean):
        template = maker.draw.choice(_CLEAN)
        if words and maker.draw.random() < 0.5:
            template = template.replace("{street}", maker.draw.choice(words).replace("{", "("))
        text, none = _filled(maker, template)
        out.append(Example(_sloppy(maker, text, none)))
    return out
