"""The geocoder: from a city's own address points and street centerlines to a place with a passport.

Charter: text and coordinates in, places out; offline, no database, no HTTP. `model` has the words that
all rooms share; `reading` reads what people type, `reference` reads a city's files, `index` is what is
built from them, `matching` finds, `passport` says how sure, `suggest` and `reverse` serve the portal.
"""
