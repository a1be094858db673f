"""CKAN's action API, the read side of it: scripts that were written for a city's CKAN portal go on working."""
