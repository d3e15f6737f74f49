"""Names that users give tensors, and the plain ones that stand for them inside graphs.

Keras takes any text as a name, as a table's column "length (cm)" is; TensorFlow's functions take
only Python's identifiers, and its scopes only a part of ASCII.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """A plain name for each name: itself where it is plain, else one like it that is free.

    The same names give the same plain ones wherever this is asked. TensorFlow tells names apart
    only by more than upper and lower case, and so does this.
    """
    given = dict.fromkeys(names)
    taken = {name.lower() for name in given if is_plain(name)}
    plain = {}
    for name in given:
        plain[name] = name
        if not is_plain(name):
            stem = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
            if not is_plain(stem):
                stem = f"x_{stem}".rstrip("_")
            plain[name] = _free(stem, taken)
            taken.add(plain[name].lower())
    return plain


def is_plain(name: str) -> bool:
    """Whether a name may stand in a graph as it is."""
    return bool(_PLAIN.fullmatch(name)) and not keyword.iskeyword(name)


def _free(stem: str, taken: set[str]) -> str:
    name, count = stem, 1
    while name.lower() in taken:
        count += 1
        name = f"{stem}_{count}"
    return name
