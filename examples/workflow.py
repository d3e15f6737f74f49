"""The whole story: data → trained, gated, verified and deployed model → second version → roll back.

`python examples/workflow.py [HOME]`. Kill it at any moment and start it again: it goes on.
"""

from __future__ import annotations

import sys
import tempfile

import numpy as np

import aios


def build_model():
    """The network; it is built in the training's own process, where Keras is imported."""
    import keras

    return keras.Sequential(
        [
            keras.layers.Input((64,), name="x"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


workflow = aios.Workflow(
    id="digits",
    training=aios.TrainingConfig(epochs=30, batch_size=32),
    model=build_model,
    gates=aios.Gates(min_accuracy=0.9, max_p99_us=5000, max_error=1e-3, max_regression=0.02),
)


def load_digits() -> aios.TrainingData:
    """Handwritten digits that ship with scikit-learn, split by a fixed seed."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, random_state=0)
    return aios.TrainingData(x_train, y_train, x_val, y_val)


def main(home: str) -> None:
    """Train twice, watch, roll back."""
    data = load_digits()
    with aios.AICellManager(home) as manager:
        manager.subscribe(
            aios.ModelDeployed, lambda message: print(f"deployed version {message.version}")
        )
        manager.register_workflow(workflow)
        for unfinished in manager.runs(workflow="digits", status="RUNNING"):
            manager.resume(unfinished.id).result()

        run = manager.execute_workflow("digits", data)
        for event in run.events():
            if isinstance(event, aios.StepFinished):
                print(f"{event.step:18} {event.status:8} {event.seconds:8.3f} s")
        report = run.result()
        manager.execute_workflow("digits", data).result()

        x = data.x_val[:200]
        first, second = manager.registry.versions("digits")[-2:]
        share = np.mean(manager.predict("digits@champion", x).argmax(-1) == data.y_val[:200])
        print(f"version {second.version} answers {share:.1%} of {len(x)} digits right")
        back = manager.rollback("digits")
        calls = {item["version"]: item["calls"] for item in manager.watch()}
        print(f"rolled back to version {back.version}; calls by version: {calls}")
        origin = manager.registry.lineage(name="digits", version=first.version)[0]
        print(f"data {origin.data_sha256[:8]} → run {report.id} → bundle {origin.sha256[:8]}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(folder)
