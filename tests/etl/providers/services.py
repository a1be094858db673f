"""Geocoding services on 127.0.0.1 that answer as the real ones are documented to, over a few made-up addresses."""

from __future__ import annotations

import csv
import io
import json
import re
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.etl.extract.servers import Answer, Asked, LocalServer

PLACES: dict[str, tuple[float, float]] = {
    "12 ELM ST": (-71.061, 42.351),
    "14 ELM ST": (-71.062, 42.352),
    "16 ELM ST": (-71.063, 42.353),
    "1 OAK AVE": (-71.071, 42.361),
}
TIED = {"9 TWIN ST": [(-71.08, 42.37, "02108"), (-71.05, 42.33, "02130")]}


class CensusServer(LocalServer):
    """The batch and the single request for locations. `bodies`: the CSV files as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[str] = []
        self.fields: list[dict[str, str]] = []
        self.most = 10_000
        outer = self

        def do_POST(handler: BaseHTTPRequestHandler) -> None:  # noqa: N802 - the handler's own name
            head = f"Content-Type: {handler.headers['Content-Type']}\r\n\r\n".encode()
            form = message_from_bytes(head + handler.rfile.read(int(handler.headers["Content-Length"])))
            parts: dict[str, str] = {}
            for part in form.get_payload():
                name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
                parts[str(name)] = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
            outer.bodies.append(parts.pop("addressFile"))
            outer.fields.append(parts)
            outer._serve(handler)

        self._httpd.RequestHandlerClass.do_POST = do_POST  # type: ignore[attr-defined]

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/geocoder/locations/address":
            return self._single(asked.params)
        if asked.path != "/geocoder/locations/addressbatch":
            return Answer(b"not found", 404, "text/plain")
        lines = [line.split(",") for line in self.bodies[-1].splitlines()]
        assert all(len(line) == 5 for line in lines)
        assert len(lines) <= self.most
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        # The real service answers in an order of its own.
        for id_, street, city, state, zip_ in reversed(lines):
            said = f"{street}, {city}, {state}, {zip_}"
            if street.upper() in TIED:
                writer.writerow([id_, said, "Tie"])
            elif street.upper() in PLACES:
                lon, lat = PLACES[street.upper()]
                matched = f"{street.upper()}, {city.upper()}, {state}, 02108"
                writer.writerow([id_, said, "Match", "Exact", matched, f"{lon},{lat}", "86874", "L"])
            elif street.upper().replace("STREET", "ST") in PLACES:
                lon, lat = PLACES[street.upper().replace("STREET", "ST")]
                writer.writerow([id_, said, "Match", "Non_Exact", "NEAR IT, 02108", f"{lon},{lat}", "86874", "R"])
            else:
                writer.writerow([id_, said, "No_Match"])
        return Answer(out.getvalue().encode(), 200, "text/csv")

    def _single(self, params: dict[str, str]) -> Answer:
        matches = [
            {
                "coordinates": {"x": lon, "y": lat},
                "matchedAddress": f"{params['street'].upper()}, SOMEWHERE, MA, {zip_}",
                "addressComponents": {"zip": zip_},
            }
            for lon, lat, zip_ in TIED.get(params["street"].upper(), [])
        ]
        return as_json({"result": {"input": {}, "addressMatches": matches}})


class NominatimServer(LocalServer):
    """Search in the JSON format; `found` overrides what is known by question."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Any] = {}

    def answer(self, asked: Asked) -> Answer:
        if not asked.path.endswith("/search"):
            return Answer(b"not found", 404, "text/plain")
        question = asked.params["q"]
        if question in self.found:
            return as_json(self.found[question])
        street = re.sub(r",.*", "", question).upper()
        return as_json([house(*PLACES[street], street)] if street in PLACES else [])


class PeliasServer(LocalServer):
    """Search over the same addresses; a key is asked for if there is one."""

    def __init__(self, key: str | None = None) -> None:
        super().__init__()
        self.key = key
        self.found: dict[str, list[dict[str, Any]]] = {}

    def answer(self, asked: Asked) -> Answer:
        if self.key and asked.params.get("api_key") != self.key:
            return as_json({"error": f"the key {asked.params.get('api_key')} is not known"}, 401)
        text = asked.params["text"]
        street = re.sub(r",.*", "", text).upper()
        features = [feature(*PLACES[street], street)] if street in PLACES else []
        return as_json({"type": "FeatureCollection", "features": self.found.get(text, features)})


def house(lon: float, lat: float, street: str, **more: Any) -> dict[str, Any]:
    """A building as Nominatim tells it."""
    number, _, road = street.partition(" ")
    return {
        "place_id": 7,
        "osm_type": "way",
        "lat": f"{lat}",
        "lon": f"{lon}",
        "class": "building",
        "type": "yes",
        "addresstype": "building",
        "place_rank": 30,
        "display_name": f"{number}, {road}, Boston, 02108, United States",
        "address": {"house_number": number, "road": road, "postcode": "02108"},
        "boundingbox": [f"{lat - 1e-4}", f"{lat + 1e-4}", f"{lon - 1e-4}", f"{lon + 1e-4}"],
        **more,
    }


def feature(lon: float, lat: float, street: str, **more: Any) -> dict[str, Any]:
    """An address as Pelias tells it; `more` goes to its properties."""
    said = {
        "layer": "address",
        "housenumber": street.partition(" ")[0],
        "name": street,
        "label": f"{street}, Boston, MA, USA",
        "postalcode": "02108",
        "confidence": 1,
        "match_type": "exact",
        "accuracy": "point",
        **more,
    }
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": said}


def as_json(document: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(document).encode(), status)
