"""The light workflow that the harness kills: load → work thrice → export → register → deploy."""

from __future__ import annotations

import itertools
import json
import time

from driver import drive

from aios.home.bundles import bundle_sha256
from aios.home.messages import ModelTrained
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


@step
def register(export, context):
    return context.register_model("light", context.home.bundle(export))


@step
def deploy(register, context):
    context.promote_model("light", register)
    return register


STEPS = [load, work, export, register, deploy]


def main() -> None:
    """Drive the light workflow."""
    data = ({"seed": number} for number in itertools.count())
    drive(Workflow(id="light", steps=STEPS), data)


if __name__ == "__main__":
    main()
