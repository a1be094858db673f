"""Taking records out of a city's systems, as text, without judging them.

What belongs here: one module a kind of source. What stays out: what a column
means (etl.transform) and where rows are kept (etl.store).
"""
