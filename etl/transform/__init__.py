"""From a source's text to the city's terms: times, vocabularies, places, flags.

What belongs here: functions from Arrow tables to Arrow tables. What stays
out: reading files, databases, and anything about one particular city.
"""
