"""A manifest's stream, from what JSON says to a record whose every part fits.

The same rules and words are in src/bundle/manifest_stream.cpp.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from aios.bundle.fields import is_integer, list_member, malformed, member, shown, text_member
from aios.bundle.records import MANIFEST, StateRecord, StreamRecord

_VERDICTS = ("passed", "failed", "declined")
_STATES = 1024
_NAME_BYTES = 1024
_WORD_BYTES = 64
_SIZE = 2**31 - 1


def parse_stream(
    entry: Any,
    files: Collection[str],
    path_of: Callable[[Any, str], str],
    figures_of: Callable[[Any], dict[str, Any]],
) -> StreamRecord:
    """The record of a manifest's member "stream".

    Args:
        entry: What JSON says.
        files: Paths of the manifest's own files.
        path_of: Reads a member that is a path.
        figures_of: Reads what an export found, as of an artifact.

    Raises:
        CorruptBundleError: It breaks a rule; names it.
    """
    verdict = text_member(entry, "verdict", _WORD_BYTES)
    if verdict not in _VERDICTS:
        malformed(f"unknown verdict '{shown(verdict)}'")
    path = "" if verdict == "declined" else path_of(entry, "path")
    if path and f"{path}/{MANIFEST}" not in files:
        malformed(f"the stream's '{shown(path)}/{MANIFEST}' isn't among its 'files'")
    states = tuple(_state(item) for item in list_member(entry, "states", _STATES))
    counts = {key: member(entry, key) for key in ("samples", "frames", "latency_frames")}
    for key, count in counts.items():
        if not is_integer(count, 0, _SIZE):
            malformed(f"'{key}' isn't a number of samples or frames")
    found = figures_of(entry)
    known = {key: found[key] for key in ("tolerance", "max_error", "worst", "reason")}
    return StreamRecord(verdict, path, states, **known, **counts)


def _state(entry: Any) -> StateRecord:
    return StateRecord(
        *(text_member(entry, key, _NAME_BYTES) for key in ("input", "output", "layer"))
    )
