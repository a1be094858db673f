"""OGC API – Features (Parts 1 to 3) and OGC API – Tiles over the current release, under `/ogc`.

Charter: the standards' addresses, parameters and documents; rows come from `portal.queries`, conditions from
`portal.expressions`, tiles from `portal.tiles`. What is declared in `conformance` is what tests hold.
"""
