"""Shows published releases as pages, maps, tiles, downloads and an API.

Charter: the only reader. It opens releases, never the record store, and
writes nothing. Imports geo, never the etl.
"""
