"""Every way in which the ETL can refuse: one short tree, one line a class.

The message of each is a single line that says what, where and what to do;
the command line prints it as it stands and exits with `exit_code`.
"""

from typing import Any


class EtlError(Exception):
    """Anything that the ETL refuses to go on with."""

    exit_code = 1
    source: str | None = None
    """The source that it is about, where it is about one: its last run is told as refused."""


class ConfigError(EtlError):
    """The city's YAML cannot be used."""

    exit_code = 2


class SourceError(EtlError):
    """A source cannot be read: missing, empty, binary, badly encoded, malformed."""

    exit_code = 3


class MappingError(EtlError):
    """A source was read but does not hold what the city's YAML maps."""

    exit_code = 4


class StoreError(EtlError):
    """The record store cannot be reached or is not what it should be."""

    exit_code = 5


class ReleaseError(EtlError):
    """A release cannot be built, validated, promoted or verified."""

    exit_code = 6


class BusyError(EtlError):
    """Another run holds the lock of this city."""

    exit_code = 7


class SourceUnavailable(SourceError):
    """A source does not answer as it should just now; a later run may find it well."""

    exit_code = 8


class HeldError(EtlError):
    """Everything was stored, but a named limit keeps the release from being promoted.

    `report` is what the run did before (an etl.pipeline.RunReport), where it came that far.
    """

    exit_code = 9
    report: Any = None


class FilesError(StoreError):
    """A release is published, but its ready files could not be made beside it."""


class DoctorError(EtlError):
    """`openward doctor` found something that must be put right."""

    exit_code = 10
