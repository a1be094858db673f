"""The evaluation that judges the geocoder: real cities, a made-up one, typos, speed, search as you type, hostile text.

Charter: written against geo.geocoding.model alone, so that the judge knows nothing of how the geocoder works. Every
draw is seeded; every figure stands beside its limit and, where there is one, beside what a user would use instead.
"""
