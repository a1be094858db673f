"""The Model Context Protocol, read-only, over the questions of /api/v1: off unless OPENWARD_MCP=1, and not loaded until then."""
