"""The one error of the embedded stack: something it needs is missing or in the way.

From everything in `embedded/` to the command line, which prints the message and exits with 2.
"""

from __future__ import annotations


class StackError(Exception):
    """Something needed on this machine is missing, taken or broken; the message has the remedy."""
