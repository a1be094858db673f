"""Socrata's SODA 2.1, the read side of it: scripts that were written for a city's old portal go on working."""
