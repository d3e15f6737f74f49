import threading

import pytest

import aios
from aios.home.bundles import bundle_sha256


def test_versions_count_up_and_bundles_are_kept_by_hash(registry, bundle):
    first = registry.register("m", bundle("a"), metrics={"accuracy": 0.9})
    second = registry.register("m", bundle("b"))
    again = registry.register("other", bundle("a"))
    assert (first.version, second.version, again.version) == (1, 2, 1)
    assert first.bundle == again.bundle
    assert first.sha256 == bundle_sha256(bundle("a")) != second.sha256
    assert first.metrics == {"accuracy": 0.9}
    assert [item.version for item in registry.versions("m")] == [1, 2]


def test_promote_and_rollback_move_an_alias(registry, bundle, manager):
    for text in "abc":
        registry.register("m", bundle(text))
    assert manager.promote("m", version=1).aliases == ("champion",)
    manager.promote("m", version=3)
    manager.promote("m", version=2, alias="challenger")
    assert registry.resolve("m").version == 3
    assert registry.resolve("m", "challenger").version == 2
    assert registry.resolve("m", "1").version == 1
    assert manager.rollback("m").version == 1
    with pytest.raises(aios.FailedPreconditionError, match="named none before"):
        manager.rollback("m")
    sent = [item.type for item in manager.home.store.messages()]
    assert sent.count("ModelDeployed") == 3
    assert sent.count("ModelRolledBack") == 1


def test_promoting_again_does_not_make_history(registry, bundle, manager):
    registry.register("m", bundle("a"))
    manager.promote("m", 1)
    manager.promote("m", 1)
    with pytest.raises(aios.FailedPreconditionError):
        manager.rollback("m")


def test_unknown_names_say_what_there_is(registry, bundle, manager):
    with pytest.raises(aios.NotFoundError, match="no model 'm'.*aios registry list"):
        registry.resolve("m")
    registry.register("m", bundle("a"))
    with pytest.raises(
        aios.NotFoundError, match="no alias 'champion' .aliases: none.; set it with"
    ):
        registry.resolve("m")
    with pytest.raises(aios.NotFoundError, match="no version 7; versions: 1"):
        manager.promote("m", 7)
    with pytest.raises(aios.InvalidArgumentError, match="reads as a version"):
        manager.promote("m", 1, alias="3")
    with pytest.raises(aios.NotFoundError, match="no bundle at"):
        registry.register("m", "/nowhere.cell")


def test_many_writers_register_and_promote_without_losing_one(registry, bundle, manager):
    for text in "abcd":
        bundle(text)
    errors = []

    def work(text):
        try:
            for _ in range(5):
                version = registry.register("m", bundle(text)).version
                registry.promote("m", version)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(text,)) for text in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [item.version for item in registry.versions("m")] == list(range(1, 21))


def test_lineage_is_found_from_either_end(manager, bundle):
    def export(data, context):
        return str(context.home.content.put_bytes(str(data).encode(), ".txt").sha256)

    @aios.step
    def register(export, context):
        return context.register_model("m", place, data_sha256=context.data_sha256)

    @aios.step
    def deploy(register, context):
        context.promote_model("m", register)

    place = bundle("a")
    manager.register_workflow(aios.Workflow(id="w", steps=[export, register, deploy]))
    report = manager.execute_workflow("w", {"rows": 3}).result(60)
    (by_data,) = manager.registry.lineage(data_sha256=report.data_sha256)
    (by_version,) = manager.registry.lineage(name="m", version=1)
    (by_bundle,) = manager.registry.lineage(sha256=bundle_sha256(place))
    (by_run,) = manager.registry.lineage(run_id=report.id)
    assert by_data == by_version == by_bundle == by_run
    assert by_data.aliases == ("champion",)


def test_a_step_that_runs_twice_registers_and_deploys_once(make_manager, bundle):
    """The commit of the first execution is refused as another manager has taken the run over."""
    entered, go = threading.Event(), threading.Event()
    place = bundle("a")

    @aios.step
    def register(data, context):
        version = context.register_model("m", place)
        if not entered.is_set():
            entered.set()
            go.wait(60)
        return version

    @aios.step
    def deploy(register, context):
        context.promote_model("m", register)

    workflow = aios.Workflow(id="w", steps=[register, deploy])
    one, two = make_manager(lease_s=30), make_manager(lease_s=30)
    one.register_workflow(workflow)
    run = one.execute_workflow("w")
    assert entered.wait(60)
    two.register_workflow(workflow)
    two.resume(run.id).result(60)
    go.set()
    one.close()
    assert [item.version for item in two.registry.versions("m")] == [1]
    types = [item.type for item in two.home.store.messages()]
    assert types.count("ModelRegistered") == types.count("ModelDeployed") == 1


def test_a_deploy_step_that_runs_again_does_not_undo_a_rollback(manager, bundle):
    """Keyed by (run, step): the effect was had, whatever the alias says now."""
    manager.registry.register("m", bundle("old"))
    manager.promote("m", 1)
    place, fail = bundle("new"), [True]

    @aios.step
    def register(data, context):
        return context.register_model("m", place)

    @aios.step
    def deploy(register, context):
        context.promote_model("m", register)

    def last(deploy):
        if fail.pop() if fail else False:
            raise OSError("later")

    manager.register_workflow(aios.Workflow(id="w", steps=[register, deploy, last]))
    run = manager.execute_workflow("w")
    with pytest.raises(aios.WorkflowFailedError):
        run.result(60)
    assert manager.rollback("m").version == 1
    edited = aios.Workflow(
        id="w", steps=[register, aios.step(name="deploy", version="2")(deploy.function), last]
    )
    manager.register_workflow(edited)
    manager.resume(run.id).result(60)
    assert run.report().step("deploy").launches == 2
    assert manager.registry.resolve("m").version == 1


def test_registering_in_a_step_reaches_the_disk_before_the_run_goes_on(
    manager, bundle, monkeypatch
):
    durable = {}
    original = manager.home.store.commit

    def spy(changes, **options):
        for change in changes:
            step = getattr(change, "step", None)
            if getattr(step, "status", "") == "SUCCESS":
                durable[step.name] = options.get("durable")
        original(changes, **options)

    monkeypatch.setattr(manager.home.store, "commit", spy)
    place = bundle("a")

    def light(data):
        return 1

    def register(light, context):
        return context.register_model("m", place)

    def deploy(register, context):
        context.promote_model("m", register)

    manager.register_workflow(aios.Workflow(id="w", steps=[light, register, deploy]))
    manager.execute_workflow("w").result(60)
    assert durable == {"light": False, "register": True, "deploy": True}
