"""Entries from one store to another: copying, comparing, bringing into step."""

from spoonbill.transfer.comparing import Difference, diff, sync
from spoonbill.transfer.copying import copy
from spoonbill.transfer.report import Report

__all__ = ["Difference", "Report", "copy", "diff", "sync"]
