"""The cities that ship with Openward, one YAML file each.

Charter: configuration, and no Python. A file is found with
`importlib.resources.files("cities") / "<city>.yaml"`, installed or not.
"""
