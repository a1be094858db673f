"""Files that are made when they are asked for: any table of a release, any part of its requests, in any of the formats.

Those that lie ready are made once, when a release is published (`fixed`).

Charter: what is wanted (`wanted`) in, bytes out: texts piece by piece (`pieces`), others built aside (`built`), both by range
(`ranged`). Which rows there are is `portal.queries`' own.
"""
