"""What leaves the city, and in what shape: free text, places, cells of a count, and the audit of a release.

Charter: everything that takes personal data out of what is published, and what
proves that it is out. Patterns and names of people in free text (`patterns`,
`names`, `redact`), made-up examples and the figures measured on them (`planted`,
`evaluate`). Works on values and columns that are given; reads no source, writes
no release and decides no policy: etl/config/privacy.py holds that.
"""
