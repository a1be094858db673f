"""Open311 GeoReport v2, the read side: discovery, services, their definitions, requests by query and by number."""
