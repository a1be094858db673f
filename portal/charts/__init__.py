"""Charts as SVG text, drawn on the server.

Charter: data in, SVG out; no queries, no Dash. Colours and type come from
`assets/css/charts.css` by class, so that a chart follows the theme and prints.
Each chart is drawn twice, wide and narrow, and the width of its place decides
which one is shown; every value is also in a table beside it.
"""
