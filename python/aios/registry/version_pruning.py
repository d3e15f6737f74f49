"""Old versions of a model: they are marked deleted, and their bundles are nobody's then."""

from __future__ import annotations

from aios.errors import InvalidArgumentError
from aios.home.home import Home
from aios.home.store import Change, CheckDocument, ConflictError, Document, PutDocument
from aios.registry.model_version import ModelVersion, alias_documents


def delete_old_versions(home: Home, name: str, keep: int) -> set[int]:
    """Mark all but the newest `keep` versions deleted; returns their numbers.

    Never one that an alias names or would go back to.

    Raises:
        InvalidArgumentError: `keep` isn't a whole number of 0 or more.
    """
    if not isinstance(keep, int) or isinstance(keep, bool) or keep < 0:
        raise InvalidArgumentError(f"keep: expected a whole number of 0 or more, got {keep!r}")
    live = [item for item in _versions(home, name) if not item.value.get("deleted")]
    old = live[: max(0, len(live) - keep)]
    return {int(item.value["version"]) for item in old if _delete(home, item)}


def forget_deleted_versions(home: Home, before: float, run_ids: set[str]) -> int:
    """Remove the documents of deleted versions whose run is gone; returns how many.

    The newest of each model stays: numbers are never given out again.

    Args:
        home: the home.
        before: only those that were made earlier, in seconds since 1970.
        run_ids: the runs that there still are.
    """
    newest: dict[str, int] = {}
    documents = home.store.documents("versions")
    for item in documents:
        version = ModelVersion.of(item.value, {}, home)
        newest[version.name] = max(version.version, newest.get(version.name, 0))
    forgotten = 0
    for item in documents:
        version = ModelVersion.of(item.value, {}, home)
        if (
            version.deleted
            and version.created < before
            and version.run_id not in run_ids
            and version.version != newest[version.name]
        ):
            home.store.commit([PutDocument("versions", item.key, None)])
            forgotten += 1
    return forgotten


def _versions(home: Home, name: str) -> list[Document]:
    return home.store.documents("versions", f"{name}/")


def _delete(home: Home, document: Document) -> bool:
    """In a transaction that checks that no alias has come to name it."""
    name, version = document.value["name"], document.value["version"]
    aliases = alias_documents(home.store, f"{name}/")
    for alias in aliases:
        if version in {alias.value["version"], *alias.value["history"][-1:]}:
            return False
    changes: list[Change] = [CheckDocument("aliases", item.key, item.revision) for item in aliases]
    value = {**document.value, "deleted": True}
    changes.append(PutDocument("versions", document.key, value, document.revision))
    try:
        home.store.commit(changes, durable=True)
    except ConflictError:
        return False
    return True
