"""Receipts: for each figure its definition, its exclusions and SQL that makes it again from the downloaded release.

Charter: SQL as text for readers. The portal's own answers come from `portal.queries`; a test runs every receipt that a
page links to over the release's public files and compares each number on the page with its result.
"""

from portal.receipts.catalogue import RECEIPTS, receipt
from portal.receipts.model import Maker, Receipt

__all__ = ["RECEIPTS", "Maker", "Receipt", "receipt"]
