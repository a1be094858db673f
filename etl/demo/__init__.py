"""An invented city, Port Alder: for the demo, for tests against a known truth, and for benchmarks.

Charter: makes files that look like a city's own; nothing of the ETL or the portal is used.
What is in it: docs/demo-city.md.
"""

from etl.demo.generate import DemoFiles, generate

__all__ = ["DemoFiles", "generate"]
