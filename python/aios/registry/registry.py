"""The registry: immutable versions of models, aliases that point at them, and where each came from.

A version is a bundle, kept by its hash, under a name and a number. An alias ("champion") names the
version that answers; moving it is one transaction, and what it named before is kept for `rollback`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from aios.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from aios.home.bundles import adopt_bundle, directory_bytes
from aios.home.clock import Clock
from aios.home.garbage import collect
from aios.home.home import Home
from aios.home.lock import home_lock
from aios.home.messages import ModelDeployed, ModelRegistered, ModelRolledBack
from aios.home.names import check_name
from aios.home.references import named
from aios.home.store import (
    AddMessage,
    Change,
    CheckDocument,
    ConflictError,
    Document,
    PutDocument,
)
from aios.registry.model_version import ModelVersion, alias_documents, stored_bundle
from aios.registry.version_pruning import delete_old_versions

_HISTORY: Final = 50
_TRIES: Final = 50


class Registry:
    """The versions and aliases of one home; safe from any thread and from several processes."""

    def __init__(
        self, home: Home, clock: Clock, announce: Callable[[], None] = lambda: None
    ) -> None:
        self._home = home
        self._store = home.store
        self._clock = clock
        self._announce = announce

    # --- reading ---------------------------------------------------------------------------------

    def versions(self, name: str | None = None, *, deleted: bool = False) -> list[ModelVersion]:
        """Versions, oldest first, with the aliases that name them now."""
        prefix = "" if name is None else f"{name}/"
        documents = self._store.documents("versions", prefix)
        aliases = self._aliases_by_version(prefix)
        found = [ModelVersion.of(item.value, aliases, self._home) for item in documents]
        return [item for item in found if deleted or not item.deleted]

    def version(self, name: str, version: int) -> ModelVersion:
        """One version.

        Raises:
            NotFoundError: it isn't there, or was deleted by `prune`.
        """
        for item in self.versions(name):
            if item.version == version:
                return item
        known = ", ".join(str(item.version) for item in self.versions(name)) or "none"
        raise NotFoundError(f"model '{name}' has no version {version}; versions: {known}")

    def resolve(self, name: str, alias: str = "champion") -> ModelVersion:
        """The version that an alias, or a number as text, names now.

        Raises:
            NotFoundError: no such model or alias.
        """
        if alias.isdigit():
            return self.version(name, int(alias))
        document = self._alias(name, alias)
        if document is None:
            known = [item.value["alias"] for item in alias_documents(self._store, f"{name}/")]
            if not known and not self.versions(name):
                raise NotFoundError(
                    f"no model '{name}' in {self._home.path}; see 'aios registry list'"
                )
            raise NotFoundError(
                f"model '{name}' has no alias '{alias}' (aliases: {', '.join(known) or 'none'});"
                f" set it with promote('{name}', version, alias='{alias}')"
            )
        return self.version(name, document.value["version"])

    def alias_versions(self) -> dict[tuple[str, str], int]:
        """All aliases: (name, alias) → version."""
        return {
            (item.value["name"], item.value["alias"]): item.value["version"]
            for item in alias_documents(self._store)
        }

    def lineage(
        self,
        *,
        data_sha256: str | None = None,
        run_id: str | None = None,
        sha256: str | None = None,
        name: str | None = None,
        version: int | None = None,
    ) -> list[ModelVersion]:
        """Versions that match all that is given, deleted ones included.

        So both questions have an answer: what was made from this data, and where a bundle is from.
        """
        wanted = {
            "data_sha256": data_sha256,
            "run_id": run_id,
            "sha256": sha256,
            "name": name,
            "version": version,
        }
        given = {key: value for key, value in wanted.items() if value is not None}
        return [
            item
            for item in self.versions(deleted=True)
            if all(getattr(item, key) == value for key, value in given.items())
        ]

    # --- changing --------------------------------------------------------------------------------

    def register(
        self,
        name: str,
        bundle: str | Path,
        *,
        metrics: Mapping[str, float] | None = None,
        profile: Mapping[str, Any] | None = None,
    ) -> ModelVersion:
        """Add a bundle that was made outside a workflow; it is copied into the home."""
        check_name("model name", name)
        details = {"metrics": dict(metrics or {}), "profile": profile}
        with self._home.work() as files:
            place, sha256 = adopt_bundle(files, Path(bundle))
            for _ in range(_TRIES):
                version, changes = self.registration(name, place, sha256, details)
                try:
                    self._store.commit(changes, durable=True)
                except ConflictError:
                    continue
                self._announce()
                return self.version(name, version)
        raise FailedPreconditionError(f"model '{name}': other writers kept registering; try again")

    def registration(
        self,
        name: str,
        bundle: Path,
        sha256: str,
        details: Mapping[str, Any],
        *,
        effect: str | None = None,
    ) -> tuple[int, list[Change]]:
        """The changes that add a version, and its number; no changes if `effect` was had.

        Args:
            name: the model.
            bundle: its place in the home.
            sha256: its hash.
            details: further fields of `ModelVersion`.
            effect: a key under which this may happen once, with this bundle.
        """
        check_name("model name", name)
        changes: list[Change] = []
        if effect is not None:
            done = self._effect(effect)
            if done is not None and done.value["sha256"] == sha256:
                return int(done.value["version"]), []
        documents = self._store.documents("versions", f"{name}/")
        version = 1 + max((item.value["version"] for item in documents), default=0)
        if effect is not None:
            value = {"name": name, "version": version, "sha256": sha256}
            changes.append(PutDocument("effects", effect, value, done.revision if done else 0))
        value = {
            **details,
            "name": name,
            "version": version,
            "bundle": stored_bundle(self._home, bundle),
            "sha256": sha256,
            "created": self._clock.wall(),
            "bytes": directory_bytes(bundle),
        }
        message = ModelRegistered(
            run_id=str(details.get("run_id", "")), name=name, version=version, sha256=sha256
        )
        changes.append(PutDocument("versions", _key(name, version), value, expect=0))
        changes.append(AddMessage(message.to_stored()))
        return version, changes

    def promotion(
        self, name: str, version: int, alias: str, *, run_id: str = "", effect: str | None = None
    ) -> list[Change]:
        """The changes that let `alias` name `version`; none if `effect` was had with it already.

        Args:
            name: the model.
            version: a version that isn't deleted.
            alias: a name such as "champion".
            run_id: the run whose step asks for it.
            effect: a key under which this may happen once, with this version.

        Raises:
            NotFoundError: no such version.
            InvalidArgumentError: the alias reads as a number.
        """
        check_name("alias", alias)
        if alias.isdigit():
            raise InvalidArgumentError(
                f"alias: expected a name such as 'champion', got {alias!r}, which reads as"
                " a version"
            )
        done = self._effect(effect) if effect is not None else None
        if done is not None and done.value["version"] == version:
            return []
        target = self.version(name, version)
        changes: list[Change] = [self._unchanged(name, version)]
        if effect is not None:
            value = {"name": name, "version": version, "alias": alias}
            changes.append(PutDocument("effects", effect, value, done.revision if done else 0))
        document = self._alias(name, alias)
        previous = document.value["version"] if document else None
        history = list(document.value["history"]) if document else []
        if previous is not None and previous != version:
            history = [*history, previous][-_HISTORY:]
        changes.append(self._point(name, alias, version, history, document))
        message = ModelDeployed(
            run_id=run_id,
            name=name,
            version=version,
            alias=alias,
            previous=previous,
            sha256=target.sha256,
        )
        changes.append(AddMessage(message.to_stored()))
        return changes

    def promote(self, name: str, version: int, alias: str = "champion") -> ModelVersion:
        """Let `alias` name `version`, in one transaction.

        Raises:
            NotFoundError: no such version.
        """
        self._commit_retrying(lambda: self.promotion(name, version, alias))
        return self.version(name, version)

    def rollback_target(self, name: str, alias: str = "champion") -> int:
        """The version that `rollback` would go back to.

        Raises:
            FailedPreconditionError: the alias named nothing before.
        """
        current = self.resolve(name, alias)
        document = self._alias(name, alias)
        live = {item.version for item in self.versions(name)}
        history = document.value["history"] if document else []
        for version in reversed(history):
            if version in live and version != current.version:
                return int(version)
        raise FailedPreconditionError(
            f"model '{name}': alias '{alias}' names version {current.version} and named none before"
            " that still exists; promote another version instead"
        )

    def rollback(self, name: str, alias: str = "champion") -> ModelVersion:
        """Let `alias` name what it named before, in one transaction."""
        gone_back_to: list[int] = []

        def changes() -> list[Change]:
            target = self.rollback_target(name, alias)
            document = self._alias(name, alias)
            history = list(document.value["history"]) if document else []
            while history and history.pop() != target:
                pass
            previous = document.value["version"] if document else None
            message = ModelRolledBack(name=name, version=target, alias=alias, previous=previous)
            gone_back_to[:] = [target]
            return [
                self._unchanged(name, target),
                self._point(name, alias, target, history, document),
                AddMessage(message.to_stored()),
            ]

        self._commit_retrying(changes)
        return self.version(name, gone_back_to[0])

    def remove_alias(self, name: str, alias: str) -> bool:
        """Take an alias away; False when there was none."""
        key = f"{name}/{alias}"
        if _exact(self._store.documents("aliases", key), key) is None:
            return False
        self._store.commit([PutDocument("aliases", f"{name}/{alias}", None)], durable=True)
        return True

    def prune(self, name: str, keep: int = 5) -> list[ModelVersion]:
        """Delete all bundles of a model but the newest `keep`; returns their versions.

        Never one that an alias names or would go back to. The records stay, for `lineage`.
        """
        numbers = delete_old_versions(self._home, name, keep)
        if numbers:
            with home_lock(self._home.path):
                collect(self._home, lambda: named(self._home), objects=False)
        return [item for item in self.versions(name, deleted=True) if item.version in numbers]

    # --- plumbing --------------------------------------------------------------------------------

    def _commit_retrying(self, changes: Callable[[], list[Change]]) -> None:
        for _ in range(_TRIES):
            try:
                self._store.commit(changes(), durable=True)
            except ConflictError:
                continue
            self._announce()
            return
        raise FailedPreconditionError("other writers kept moving this alias; try again")

    def _point(
        self, name: str, alias: str, version: int, history: list[int], document: Document | None
    ) -> PutDocument:
        value = {
            "name": name,
            "alias": alias,
            "version": version,
            "history": history,
            "changed": self._clock.wall(),
        }
        expect = document.revision if document else 0
        return PutDocument("aliases", f"{name}/{alias}", value, expect)

    def _unchanged(self, name: str, version: int) -> CheckDocument:
        document = self._version_document(name, version)
        return CheckDocument("versions", _key(name, version), document.revision if document else 0)

    def _version_document(self, name: str, version: int) -> Document | None:
        return _exact(self._store.documents("versions", _key(name, version)), _key(name, version))

    def _alias(self, name: str, alias: str) -> Document | None:
        key = f"{name}/{alias}"
        return _exact(alias_documents(self._store, key), key)

    def _effect(self, key: str) -> Document | None:
        return _exact(self._store.documents("effects", key), key)

    def _aliases_by_version(self, prefix: str) -> dict[tuple[str, int], tuple[str, ...]]:
        found: dict[tuple[str, int], tuple[str, ...]] = {}
        for item in alias_documents(self._store, prefix):
            key = (item.value["name"], item.value["version"])
            found[key] = (*found.get(key, ()), item.value["alias"])
        return found


def _key(name: str, version: int) -> str:
    return f"{name}/{version:08d}"


def _exact(documents: list[Document], key: str) -> Document | None:
    return next((item for item in documents if item.key == key), None)
