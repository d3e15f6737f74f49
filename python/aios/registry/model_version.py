"""One version of a model, as the registry tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from aios.errors import CorruptHomeError
from aios.home.home_files import HomeFiles
from aios.home.store import Document, Store

_ALIAS: Final = {"name": str, "alias": str, "version": int, "history": list}


@dataclass(frozen=True, slots=True, repr=False)
class ModelVersion:
    """One version, and its lineage: data → run → bundle → version → aliases."""

    name: str
    version: int
    bundle: str
    sha256: str
    run_id: str = ""
    workflow: str = ""
    data_sha256: str = ""
    created: float = 0.0
    bytes: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    profile: Mapping[str, Any] | None = None
    deleted: bool = False
    aliases: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The shape of `aios registry list --json`."""
        names = (
            *("name", "version", "aliases", "bundle", "sha256", "run_id", "workflow"),
            *("data_sha256", "created", "bytes", "metrics", "deleted"),
        )
        return {name: getattr(self, name) for name in names}

    @staticmethod
    def of(
        value: Mapping[str, Any],
        aliases: Mapping[tuple[str, int], tuple[str, ...]],
        home: HomeFiles,
    ) -> ModelVersion:
        """Decode a document; fields written by a later version of aios are ignored.

        Args:
            value: the document.
            aliases: the aliases of each (name, version).
            home: where its bundle is.

        Raises:
            CorruptHomeError: it is damaged.
        """
        known = ModelVersion.__dataclass_fields__
        values = {key: item for key, item in value.items() if key in known}
        try:
            named = aliases.get((value["name"], value["version"]), ())
            version = ModelVersion(**{**values, "bundle": str(bundle_place(home, value))})
            return replace(version, version=int(version.version), aliases=named)
        except (TypeError, ValueError, KeyError) as error:
            raise CorruptHomeError(
                f"registry: a version's document is damaged ({error}): {value!r:.200}; restore the"
                " database from backups/"
            ) from error

    def __repr__(self) -> str:
        named = f" ({', '.join(self.aliases)})" if self.aliases else ""
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        state = " deleted" if self.deleted else ""
        return (
            f"<ModelVersion {self.name} {self.version}{named}{state}: bundle {self.sha256[:12]}"
            f"{', ' if numbers else ''}{numbers}>"
        )


def bundle_place(home: HomeFiles, value: Mapping[str, Any]) -> Path:
    """Where the bundle of a version's document is: in its home, wherever that has moved to."""
    stored = Path(value["bundle"])
    if stored.parent.name == home.bundles.name and stored.stem == value["sha256"]:
        return home.bundle(stored.stem)
    return home.path / stored


def stored_bundle(home: HomeFiles, place: Path) -> str:
    """How a document names a bundle of the home: by its place in it."""
    return str(place.relative_to(home.path) if place.is_relative_to(home.path) else place)


def alias_documents(store: Store, prefix: str = "") -> list[Document]:
    """The aliases whose key starts with `prefix`.

    Raises:
        CorruptHomeError: one is damaged.
    """
    documents = store.documents("aliases", prefix)
    for item in documents:
        wrong = [
            name for name, kind in _ALIAS.items() if not isinstance(item.value.get(name), kind)
        ]
        if wrong:
            raise CorruptHomeError(
                f"registry: alias {item.key!r} is damaged ({', '.join(wrong)}); promote it anew"
                " after remove_alias, or restore the database from backups/"
            )
    return documents
