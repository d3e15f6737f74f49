"""A manager in a process of its own, on light steps: what `harness.py` kills.

`python light.py HOME RUNS LEASE_S TARGET [resume]`: start RUNS runs, resume the unfinished ones if
asked to, and go on until TARGET runs are over. Each run has the steps load → work (three ways) →
export → register → deploy.
"""

from __future__ import annotations

import json
import sys
import time

from aios.workflow.manager import AICellManager
from aios.workflow.messages import ModelTrained
from aios.workflow.registry import bundle_sha256
from aios.workflow.steps import step
from aios.workflow.workflow import Workflow


def load(data):
    time.sleep(0.01)
    return [data["seed"] * 10 + i for i in range(3)]


@step(over="load")
def work(load, context):
    time.sleep(0.02)
    context.emit(ModelTrained(workflow="light", metrics={"value": float(load)}))
    return load * load


def export(work, context):
    """Write a bundle of two files, slowly enough to be killed between them."""
    with context.work_dir() as place:
        bundle = place / "model.cell"
        bundle.mkdir()
        (bundle / "a.json").write_text(json.dumps(work))
        time.sleep(0.01)
        (bundle / "b.json").write_text(json.dumps(work[::-1]))
        sha256 = bundle_sha256(bundle)
        context.home.content.put_directory(bundle, context.home.bundle(sha256))
    return sha256


@step(durable=True)
def register(export, context):
    return context.register_model("light", context.home.bundle(export))


@step(durable=True)
def deploy(register, context):
    context.promote_model("light", register)
    return register


STEPS = [load, work, export, register, deploy]


def main() -> None:
    home, runs, lease_s, target = (
        sys.argv[1],
        int(sys.argv[2]),
        float(sys.argv[3]),
        int(sys.argv[4]),
    )
    manager = AICellManager(home, lease_s=lease_s)
    workflow = Workflow(id="light", steps=STEPS)
    manager.register_workflow(workflow)
    if sys.argv[5:] == ["resume"]:
        for run in manager.runs(status="RUNNING"):
            manager.resume(run.id)
    for number in range(runs):
        manager.execute_workflow("light", {"seed": number})
    print("ready", flush=True)
    while True:
        over = manager.runs(limit=10_000, status="SUCCESS")
        if len(over) >= target:
            break
        time.sleep(0.01)
    manager.close()


if __name__ == "__main__":
    main()
