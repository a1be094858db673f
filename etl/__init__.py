"""Takes requests from a city's systems, cleans, locates and stores them, and publishes releases.

Charter: the only writer. One source name runs through every layer (extract,
mapping, store, release). Imports geo, never the portal.
"""
