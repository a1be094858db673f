"""From the record store to an immutable, verifiable release.

What belongs here: field definitions, building, validation, promotion and the
hash chain. What stays out: reading sources, and serving.
"""
