"""Geocoding services on the web, for cities without reference layers: off unless the city's YAML names one.

Charter: asking the US Census geocoder, Nominatim and Pelias gently, remembering every answer, and grading what they say
as results of geo.geocoding. Addresses leave the machine only through these rooms, and only the address itself does (text,
ZIP, the city and state of the configuration): no identifiers, no descriptions, no times.
"""
