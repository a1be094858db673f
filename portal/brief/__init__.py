"""The printed brief of a report card: two pages of PDF, drawn here, with nothing fetched and nothing written to disk.

Charter: from a Report and the release's own geometry to bytes. The figures are those of the page, its words come from
the same functions; what differs is the paper. Only `place_map` asks the release anything beyond the report.
"""
