"""Every kind is built once per session, by the first test that asks for it."""

import pytest


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    from conformance.kinds import build

    from aios.exporting.engines import compiled

    made = {}
    directory = tmp_path_factory.mktemp("kinds")

    def of(kind):
        if kind.name not in made:
            with pytest.MonkeyPatch.context() as patch:
                # One target is enough here: the compiler's own tests build for others.
                patch.setattr(compiled, "targets", lambda: ("native",))
                made[kind.name] = build(kind, directory)
        return made[kind.name]

    return of
