"""Knows places: CRS, addresses, geocoding, boundaries, location privacy, tiles, folium maps.

Charter: arrays and frames in, arrays and frames out. No database session, no
HTTP, no pages; imports neither etl nor portal.
"""
