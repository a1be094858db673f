"""The record store: what the city's systems said, now and at every time before.

What belongs here: the models, their migrations, bulk loading and bulk
reading, on PostGIS and on SQLite alike. What stays out: how records come to
be (etl.transform) and what the public gets (etl.publish).
"""
