"""Static files of the portal: our own css and js, and vendor/, filled from npm at build time.

Charter: files that a browser loads, and no Python. They are found with
`importlib.resources.files("assets")`, installed or not.
"""
