"""Numbers and addresses of people in free text: telephone, e-mail, plate, card, social-security number and
their like.

Charter: what can be told by its shape and by the words beside it. Names of
people are in names.py. Each rule has a gate: a wider expression without
look-around, which pyarrow's RE2 can run over a whole column, so that only the
few texts that pass it are read by Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from etl.privacy.lexicon import is_plain

MARKS: Final = {
    "phone": "[phone]",
    "email": "[e-mail]",
    "plate": "[plate]",
    "card": "[card]",
    "ssn": "[ssn]",
    "birth": "[birth date]",
    "handle": "[handle]",
    "ip": "[ip]",
}

# A number after one of these is the city's own, not a person's.
_OWN: Final = re.compile(
    r"(?:case|cases|sr|s\.r\.|reference|ref|permit|permits|cart|carts|pole|poles|hydrant|asset|work ?order"
    r"|w\.?o|order|ticket"
    r"|invoice|inv|bus|route|rte|unit|apt|badge|engine|ladder|meter|model|lot|parcel|zone|precinct|district"
    r"|request|incident"
    r"|complaint|enquiry|tracking|confirmation|serial|ser|barrel|basket|bin|light|lamp|signal|box|bridge"
    r"|version|duplicate of"
    r"|see|job|project|contract|section|ordinance|code|catch ?basin|cb|manhole|mh|tree|stop|sign|docket"
    r"|violation|citation)"
    r"(?:[ ']?s)?[ .:#-]*(?:is|was|id|number|numbers|num|no|nbr)?[ .:#-]*$",
    re.IGNORECASE,
)
_CALL: Final = re.compile(
    r"\b(?:call|calls|called|phone|ph|tel|telephone|cell|mobile|home|text|reach|contact|cb|number|num|no|fax"
    r"|ring|dial"
    r"|tel[eé]fono|llame|llamar|celular|numero|número|reached|voicemail|vm|msg"
    r"|line)\b\W{0,3}(?:\w+\W+){0,3}$|\bat[ :]*$",
    re.IGNORECASE,
)
_STREET: Final = re.compile(
    r"\s*(?:[NSEW]\.?\s+)?[\w'.]+(?:\s+[\w'.]+)?\s+(?:st|street|ave|avenue|rd|road|blvd|dr|drive|ln|lane|ct"
    r"|pl|way|ter|sq|pkwy|hwy)\b",
    re.IGNORECASE,
)
_CAR: Final = re.compile(
    r"\b(?:car|cars|truck|trucks|van|vans|suv|vehicle|vehicles|veh|parked|parking|sedan|pickup|pick-up"
    r"|motorcycle|moped|scooter"
    r"|coupe|hatchback|minivan|jeep|toyota|honda|ford|chevy|chevrolet|nissan|bmw|audi|mercedes|hyundai|kia"
    r"|subaru|dodge|volvo"
    r"|vw|volkswagen|lexus|mazda|acura|tesla|infiniti|chrysler|gmc|buick|cadillac|pontiac|saab|camry|corolla"
    r"|civic|accord|altima"
    r"|prius|tundra|tacoma|driver|drivers|driving|drove|tow|towed|plate|plates|license|registration|carro"
    r"|coche|placa|limo|taxi|cab"
    r"|blocking|double|abandoned|uninspected|unregistered|hit and run|sped)\b",
    re.IGNORECASE,
)

_GAP: Final = r"[\s.·•/\-–—_]{0,3}"
_EXT: Final = r"(?:\s*[,;(]?\s*(?:x|ext|extn|extension)\.?\s*[:#]?\s*\d{1,6}\b\)?)?"
_TEN: Final = re.compile(
    rf"(?<![\w.$])(?<!\d[-/:,])\+?(?:1{_GAP})?(?:\([2-9]\d{{2}}\)|\[[2-9]\d{{2}}\]"
    rf"|[2-9]\d{{2}}[)\]]?){_GAP}[\dOo]{{3}}{_GAP}[\dOo]{{2}}[ .-]?[\dOo]{{2}}(?![\w])(?!\.\d){_EXT}",
    re.IGNORECASE,
)
_WORLD: Final = re.compile(
    rf"(?<![\w+])(?:\+|00|011[ -])\d{{1,3}}(?:[ ().-]{{0,2}}\d){{7,12}}(?!\d){_EXT}", re.IGNORECASE
)
_SEVEN: Final = re.compile(
    rf"(?<![\w.$:])(?<!\d[-/,])[2-9]\d{{2}}(?P<gap>[ .–—-]{{0,2}})\d{{4}}(?![\w%])(?!-\d)(?!\.\d){_EXT}", re.IGNORECASE
)
_DIGIT: Final = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)"
)
_SPOKEN: Final = re.compile(rf"\b{_DIGIT}(?:[\s,.-]+(?:{_DIGIT}|\d{{1,4}})\b){{4,10}}", re.IGNORECASE)


def _phone(text: str) -> str:
    def ten(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", re.sub("[oO]", "0", re.split("[xe]", found.group().lower())[0]))
        area = digits[1:4] if len(digits) == 11 else digits[:3]
        plain = found.group().isdigit()
        if area[1:] == "11" or (plain and _OWN.search(text, max(0, found.start() - 40), found.start())):
            return found.group()
        return MARKS["phone"]

    def seven(found: re.Match[str]) -> str:
        start, whole = found.start(), found.group()
        before = (max(0, start - 40), start)
        if whole[1:3] == "11" or _OWN.search(text, *before) or _STREET.match(text, found.end()):
            return whole
        sure = found["gap"].strip(" ") != "" or len(whole.strip()) > 9
        return MARKS["phone"] if sure or _CALL.search(text, *before) else whole

    def spoken(found: re.Match[str]) -> str:
        parts = re.findall(r"[a-zé]+|\d", found.group().lower())
        return MARKS["phone"] if len(parts) >= 7 else found.group()

    for expression, rewrite in ((_WORLD, lambda _: MARKS["phone"]), (_TEN, ten), (_SEVEN, seven), (_SPOKEN, spoken)):
        text = expression.sub(rewrite, text)
    return text


_ENDS: Final = (
    r"(?:com|net|org|edu|gov|mil|info|biz|us|io|co|me|uk|ca|es|mx|ie|it|br|cv|ht|in|cn|vn|fr|de|app|dev|xyz"
    r"|email|mail)"
)
_HOSTS: Final = (
    r"(?:g-?mail|yahoo|ymail|hot-?mail|outlook|aol|i-?cloud|comcast|verizon|proton(?:mail)?|live|msn|att|rcn"
    r"|mac|me|gmx|zoho)"
)
_AT: Final = r"(?:\s*@\s*|\s*[\[({<]\s*(?:at|@|arroba)\s*[\])}>]\s*|\s+(?:at|arroba)\s+|\s*_at_\s*|-at-)"
_DOT: Final = r"(?:\s*\.\s*|\s*[\[({<]\s*(?:dot|punto|\.)\s*[\])}>]\s*|\s+(?:dot|punto)\s+|_dot_|-dot-)"
_LOCAL: Final = r"[\w%+'-]+(?:(?:\.|\s+(?:dot|punto|underscore|dash)\s+|\s*[\[({]\s*dot\s*[\])}]\s*)[\w%+'-]+)*\.?"
_MAIL: Final = (
    re.compile(r"(?:mailto:)?[\w.%+'’-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE),
    re.compile(
        rf"\b{_LOCAL}(?:\s*@\s*|\s*[\[({{<]\s*(?:at|@|arroba)\s*[\])}}>]\s*|_at_"
        rf"|-at-)(?:[\w-]+{_DOT}){{1,3}}{_ENDS}\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_LOCAL}{_AT}{_HOSTS}\s*(?:{_DOT}|\s+){_ENDS}\b", re.IGNORECASE),
    re.compile(
        rf"\b{_LOCAL}\s+(?:at|arroba)\s+(?:[\w-]+(?:\s+(?:dot|punto)\s+"
        rf"|\s*[\[({{]\s*dot\s*[\])}}]\s*)){{1,3}}{_ENDS}\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_LOCAL}\s*@\s*{_HOSTS}\b", re.IGNORECASE),
)


def _email(text: str) -> str:
    for expression in _MAIL:
        text = expression.sub(MARKS["email"], text)
    return text


_SOCIAL: Final = re.compile(
    r"(?:https?://)?(?:www\.|m\.)?(?:facebook|fb|instagram|twitter|x|linkedin|tiktok|venmo|nextdoor|snapchat"
    r"|youtube|t|threads)\.(?:com|me|net)"
    r"/[^\s,;)]+",
    re.IGNORECASE,
)
_HANDLE: Final = re.compile(r"(?<![\w@.\]])@[A-Za-z_]\w{3,29}")
_PUBLIC: Final = re.compile(r"311|city|gov|police|mayor|dept|official", re.IGNORECASE)
_IP: Final = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w]|\.\d)")


def _handle(text: str) -> str:
    def keep_public(found: re.Match[str]) -> str:
        return found.group() if _PUBLIC.search(found.group()) else MARKS["handle"]

    return _HANDLE.sub(keep_public, _SOCIAL.sub(keep_public, text))


def _ip(text: str) -> str:
    return _IP.sub(MARKS["ip"], text)


_CARD: Final = re.compile(r"(?<![\w.])[2-6](?:[ .–—-]{0,2}\d){12,18}(?![\d])(?!\.\d)")
_CARD_CUE: Final = re.compile(
    r"\b(?:card|visa|master ?card|amex|american express|discover|debit|credit|cc|tarjeta"
    r"|mc)\b\W{0,3}(?:\w+\W+){0,4}$",
    re.IGNORECASE,
)


def luhn(digits: str) -> bool:
    """Whether the last digit is the right check digit of a payment card."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _card(text: str) -> str:
    def check(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found.group())
        before = (max(0, found.start() - 50), found.start())
        if luhn(digits) and not (found.group().isdigit() and _OWN.search(text, *before)):
            return MARKS["card"]
        return MARKS["card"] if _CARD_CUE.search(text, *before) else found.group()

    return _CARD.sub(check, text)


_SSN_CUE: Final = (
    r"(?:s\.?s\.?n\b\.?|ss ?#|ss no\b|ss number|so(?:ci|ic)al(?: security)?(?: (?:number|num|no|card))?"
    r"|soc(?:ial)?\.? sec\w*\.?|seguro social|i\.?t\.?i\.?n\b)"
)
_SSN: Final = (
    re.compile(
        rf"(?P<cue>\b{_SSN_CUE}(?:\W+(?:is|was|ends?|ending|in|number|no|num|my|his|her|the|last|4"
        rf"|four|digits|of|es|de)\b){{0,5}}\W{{0,4}})\d(?:[\s.–—-]{{0,2}}\d){{3,8}}(?!\d)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<cue>)(?<![\w.$])(?<!\d[-/:])\d{3}(?P<gap>[ .–—-]"
        r"|\s-\s)\d{2}(?P=gap)\d{4}(?![\w])(?!-\d)(?!\.\d)"
    ),
    re.compile(
        rf"(?P<cue>)(?<!\d)\d{{9}}(?=\W{{1,3}}(?:is |as |for )?(?:my |his |her |the "
        rf")?{_SSN_CUE})",
        re.IGNORECASE,
    ),
)


def _ssn(text: str) -> str:
    for expression in _SSN:
        text = expression.sub(lambda found: found["cue"] + MARKS["ssn"], text)
    return text


_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE: Final = (
    rf"(?:\d{{1,4}}[-/. ]\d{{1,2}}[-/. ]\d{{2,4}}|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{2,4}}"
    rf"|\d{{1,2}} (?:de )?{_MONTH} (?:de )?\d{{2,4}}|\d{{8}}|\d{{6}})"
)
_BIRTH: Final = re.compile(
    rf"(?P<cue>\b(?:d\.?\s?o\.?\s?b\.?|date of birth|birth ?date|birthday|b-?day|born|nacid[oa]|fecha de "
    rf"nacimiento)(?:\W+(?:is|was|on|el|of))?\W{{0,4}}){_DATE}(?!\d)",
    re.IGNORECASE,
)


def _birth(text: str) -> str:
    return _BIRTH.sub(lambda found: found["cue"] + MARKS["birth"], text)


_STATES: Final = (
    "AL AK AZ AR CA CO CT DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY "
    "OH OK OR PA "
    "RI SC SD TN TX UT VA VT WA WI WV WY DC PR"
).split()
_STATE: Final = (
    "(?:" + "|".join(_STATES) + r"|Mass|Mass\.|Massachusetts|Calif|California|Conn|Connecticut|New ?York|New "
    r"?Jersey|New ?Hampshire|Rhode ?Island"
    r"|Vermont|Maine|Florida|Texas|Penn|Pennsylvania|Virginia|Maryland|Georgia|Ohio|Nevada|Oregon|Arizona"
    r"|out[ -]of[ -]state|temp|temporary|dealer|commercial|comm)"
)
_PLATE_WORD: Final = (
    r"(?:(?:lic(?:en[sc]e)?|licen[cs]e|liscense|lisence|licnse|lic\.)\W{0,2}(?:plates?|pl(?:t|ate)?s?"
    r"|tags?)?|(?:number|registration|vanity|car|rear|front|truck|van)\W(?:plates?|tags?)|plates?|plt|tags?"
    r"|reg(?:istration|istered|istr)?|placas?|matr[ií]cula)(?![a-z])"
)
_BIND: Final = (
    r"(?:(?:\W|_){1,4}(?:is|was|are|of|number|numbers|num|no|nbr|reads?|reading|with|state|the|like|maybe"
    r"|partial|es|de|del|carro|ending|starts?|beginning|on|car)\b){0,4}(?:\W|_){0,4}"
)
_CODE: Final = r"(?P<code>[A-Z0-9]{1,8}(?:[ ·–-]{1,3}(?=[A-Z0-9]{0,6}\d|[A-Z]{1,3}\b)[A-Z0-9]{1,6}){0,2})"
_PLATE_AFTER: Final = re.compile(
    rf"(?P<cue>\b{_PLATE_WORD}{_BIND}(?:\(?{_STATE}\b(?!-\d)\)?{_BIND})?){_CODE}(?![\w])", re.IGNORECASE
)
_PLATE_BEFORE: Final = re.compile(
    rf"(?<![\w-])(?P<code>[A-Z0-9]{{1,7}}(?:[ -]?(?!(?:is|was|on|as"
    rf"|are)\b)[A-Z0-9]{{2,6}})?)(?P<cue>\W{{1,3}}(?:is |was )?(?:(?:on|as) )?(?:the |its |her |his |their "
    rf")?(?:\(?{_STATE}\)?\W{{1,2}})?(?:license |licence |lic |registration |car )?(?:plates?|plt|tags?|reg)\b)",
    re.IGNORECASE,
)
# Codes that are words too: OK, IN, OR, ME, HI.
_CLEAR: Final = "|".join(code for code in _STATES if code not in ("OK", "IN", "OR", "ME", "HI", "CO", "DE", "LA", "ID"))
_PLATE_STATE: Final = re.compile(
    rf"(?P<cue>\b(?:{_CLEAR}|Mass\.?|[Mm]ass)[ :#-]{{1,2}})(?P<code>(?:[A-Za-z]{{0,4}}\d"
    rf"|\d+[A-Za-z])[A-Za-z0-9]{{0,3}}[ -]?[A-Za-z0-9]{{2,4}})(?![\w])"
)
_PLATE_BARE: Final = re.compile(
    r"(?<![\w#-])(?P<code>\d[A-Za-z]{3}\d{2,3}|[A-Z]{3}-\d{4}|\d{3}-[A-Z]{3}|\d{4}-[A-Z]{2}|[A-Z]{3}\d{4}"
    r"|\d[A-Za-z]{2}\d{3,4}|\d[A-Za-z]\d{5})(?![\w-])"
)
_PLATE_CAR: Final = re.compile(
    r"(?<![\w#$.:/-])(?P<code>\d{3}[ -]?[A-Za-z]{3}|\d{3}[ -]?[A-Z]{2}\d|[A-Z]{3}[ -]?\d{3,4}"
    r"|[A-Z]{2}[ -]\d{4,5}|\d{2}[ -]?[A-Z]{2}[ -]?\d{2}|[A-Z]{2}[ -]\d{2}[ -][A-Z]{2}"
    r"|[A-Z]\d{2}[ -][A-Z]{3}|[A-Z]{3}[ -][A-Z]\d{2}|\d[A-Z]{2}[ -]?[A-Z]\d{2}"
    r"|[A-Z]{2}[ -]?\d{3}[ -]?[A-Z]{1,2}|\d{4}[ -][A-Z]{2}|\d{2}[ -]?[A-Z]{3,4}|\d[A-Z]{2}[ -]?\d{2,3}"
    r"|[A-Z]{1,2}\d{5,6}|[a-z]{3}[ -]?\d{4}|\d{4}[a-z]{2}|[A-Z]{3}\d{2}[A-Z]|[A-Z]\d{2}[A-Z]{3}"
    r"|[A-Z]{4}\d{2})(?![\w-])"
)
_NOT_PLATE: Final = frozenset(
    """ST AVE RD DR LN CT PL WAY TER SQ AM PM ELM OAK ASH BAY FIR THE AND FOR CAR VAN SUV BAG BOX BIN CAN MIN
    HRS DAY LED FT IN LB LBS YRS
    APT UNIT MPH MILE CASE CARS BAGS BINS CANS DAYS SIGN NEW OLD END ONE TWO SIX TEN WO SR REF BLD MAY JAN FEB
    MAR APR JUN JUL
    AUG SEP OCT NOV DEC MON TUE WED THU FRI SAT SUN RTE RT BUS HWY LOT MIN SEC VPH FEET YARD AGO PER ROW EST
    EDT PST EXT CALL ON AT TO OF BY
    NO OR IS SEE OUT OFF UP FL ND TH RD NYC BOS POLE TREE LAMP PCS BLK PARK MAIN KING HIGH PINE LAKE HILL COR
    YDS MTS KM MI FOOT WEEK YEAR HOUR TON TONS GAL""".split()
)
_CODE_DATE: Final = re.compile(
    r"\d{1,2}[-/ ]\d{1,2}[-/ ]\d{2,4}$|\d{4}[-/]\d{2}[-/]\d{2}|(?:\d+(?:st|nd|rd"
    r"|th|am|pm|ft|lb|hr|hrs|x|k|in|yr|yrs|min|mins|mph))$",
    re.IGNORECASE,
)


def _is_code(code: str, *, digits_only: bool, sure: bool = False) -> bool:
    """Whether this can be a plate: of four to nine characters, with a digit, not a date, a street or a count."""
    core = re.sub(r"[^A-Za-z0-9]", "", code)
    digits = sum(c.isdigit() for c in core)
    if not 4 <= len(core) <= 9 or not digits or _CODE_DATE.match(code):
        return False
    words = re.findall(r"[A-Za-z]+", code)
    groups = re.findall(r"[A-Za-z0-9]+", code)
    # A word counts where it stands alone, or as the one end of a group: "12 ELM", "200YDS", but not "3SR-K43".
    end = re.fullmatch(r"\d+([A-Za-z]+)|([A-Za-z]+)\d+", code)
    alone = groups if len(groups) > 1 else [end[1] or end[2]] if end else []
    if not (sure and " " not in code) and any(w.upper() in _NOT_PLATE for w in alone):
        return False
    # A word of the language beside a number is a count or a street; a plate's letters are few.
    return digits_only if digits == len(core) else max(map(len, words)) <= 4 or digits >= 2


def _counted(code: str) -> bool:
    """Whether it is a number and a plain word with a blank between: "300 oil", not "300 QXZ"."""
    parts = code.split(" ")
    return len(parts) == 2 and any(part.isalpha() and is_plain(part.lower()) for part in parts)


def _plate_after(found: re.Match[str]) -> str:
    whole, code, cue = found.group(), found["code"], found["cue"]
    sure = bool(re.search(r"(?:car|vehicle|veh|truck|van)\W*tag|plate|plt|lic|reg|placa|matr|#", cue, re.IGNORECASE))
    if _is_code(code, digits_only=sure, sure=sure):
        return cue + MARKS["plate"]
    parts = code.split(" ")
    first = parts[0]
    # The words after a plate may look like a part of it: "tag 192 CB1 ON".
    for size in range(len(parts) - 1, 0, -1):
        shorter = " ".join(parts[:size])
        if _is_code(shorter, digits_only=sure, sure=sure):
            return cue + MARKS["plate"] + code[len(shorter) :]
    vanity = re.search(
        r"(?:plates?|plt|tags?)\W*(?:\bis|\breads?|\bnumber|\bnum|\bno|[:#=\"“'])[\W_]*$", cue, re.IGNORECASE
    )
    if vanity and re.fullmatch(r"[A-Z]{4,8}", first) and cue != cue.upper():
        return cue + MARKS["plate"] + code[len(first) :]
    return whole


def _bare_plate(found: re.Match[str]) -> str:
    """A plate that no word announces."""
    text, start, code = found.string, found.start(), found["code"]
    own = _OWN.search(text, max(0, start - 40), start)
    street = _STREET.match(text, found.start("code")) or _STREET.match(text, found.end())
    if own or street or not _is_code(code, digits_only=False) or _counted(code):
        return found.group()
    return (found.groupdict().get("cue") or "") + MARKS["plate"]


def _plate_before(found: re.Match[str]) -> str:
    code = found["code"]
    sure = "plate" in found["cue"].lower()
    if _is_code(code, digits_only=False, sure=sure) or (sure and re.fullmatch(r"\d{2,4}[ -]?\d{2,4}", code)):
        return MARKS["plate"] + found["cue"]
    return found.group()


def _plate(text: str) -> str:
    text = _PLATE_BEFORE.sub(_plate_before, _PLATE_AFTER.sub(_plate_after, text))
    return _PLATE_BARE.sub(_bare_plate, _PLATE_STATE.sub(_bare_plate, text))


def _car_plate(text: str) -> str:
    return _PLATE_CAR.sub(_bare_plate, text) if _CAR.search(text) else text


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind: an expression that every text of the kind matches, and what takes the kind out."""

    kind: str
    gate: str
    rewrite: Callable[[str], str]
    needs: str = ""  # a second expression that such a text matches too


# In this order: what is longer or has a clearer shape goes first, so that no part of it is taken for something shorter.
RULES: Final = (
    Rule(
        "email",
        rf"(?i)@|[\[({{<_-]\s*(?:at|arroba)\s*[\])}}>_-]|\s(?:at|arroba)\s.{{0,80}}(?:\bdot\b|\bpunto\b"
        rf"|{_HOSTS}\s*[.\[({{]|{_HOSTS}\s+{_ENDS}\b)",
        _email,
    ),
    Rule("handle", r"(?i)@|\.(?:com|me|net)/", _handle),
    Rule("ip", r"\d\.\d{1,3}\.\d{1,3}\.\d", _ip),
    Rule("card", r"(?:^|[^\w.])[2-6](?:[ .–—-]{0,2}\d){12}", _card),
    Rule(
        "ssn",
        r"(?i)\d{3}(?:[ .–—-]| - )\d{2}(?:[ .–—-]| - )\d{4}|\bs\.?s|\bsoc|social|seguro"
        r"|\bi\.?t\.?i\.?n",
        _ssn,
    ),
    Rule("birth", r"(?i)d\.?\s?o\.?\s?b|birth|born|b-?day|nacid|nacimiento", _birth),
    Rule(
        "phone",
        rf"(?i)(?:^|[^\w.$])[2-9]\d{{2}}[)\]]?{_GAP}[\do]{{3}}"
        rf"|[+1]{_GAP}[(\[]?[2-9]\d{{2}}[)\]]?{_GAP}[\do]{{3}}{_GAP}[\do]{{2}}|\+\d|\b0[01]1?[ \d]"
        rf"|(?:{_DIGIT}\W+){{3}}",
        _phone,
    ),
    Rule(
        "plate",
        r"(?i)(?:plate|plt|\btags?\b|\blic|\breg|placa|matr).{0,60}\d|\d.{0,40}(?:plate|plt|\btags?\b|\breg\b)"
        r"|(?:plate|plt|tag)s?\W*(?:is|read|num|no|[:#=\"“'])"
        r"|\b(?:[a-z]{2}|mass\.?)[ :#-]{1,2}(?:[a-z]{0,4}\d|\d+[a-z])[a-z0-9]{0,3}[ -]?[a-z0-9]{2}"
        r"|\b\d[a-z]{1,3}\d{2}|\b[a-z]{3}-?\d{4}\b|\b\d{3,4}-[a-z]{2}",
        _plate,
    ),
    Rule(
        "plate",
        r"(?i)\b\d{1,4}[ -]?[a-z]{2,4}|\b[a-z]{1,4}[ -]?\d{2}|\b[a-z]{3}[ -][a-z]\d{2}",
        _car_plate,
        f"(?i){_CAR.pattern}",
    ),
)
