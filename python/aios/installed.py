"""Which optional packages are here, and the extra that brings one that isn't."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from aios.errors import NotFoundError

#: What training and exporting need.
TRAINING = ("tensorflow", "keras", "safetensors")


def require(packages: Iterable[str], purpose: str, extra: str) -> None:
    """Refuses to go on where a package is missing.

    Args:
        packages: Names as they are imported.
        purpose: What needs them, as "exporting".
        extra: The extra of aios-cells that brings them, as "tensorflow".

    Raises:
        NotFoundError: One isn't installed; the message names it and the extra.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise NotFoundError(
                f"{purpose} needs the package '{package}', which isn't installed: "
                f"pip install aios-cells[{extra}]"
            )
