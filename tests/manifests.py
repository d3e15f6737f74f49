"""A manifest to write, and to change as a stranger could."""

import hashlib
import json
from pathlib import Path
from typing import Any

from aios.bundle.manifest import (
    ArtifactRecord,
    FileRecord,
    GraphRecord,
    Manifest,
    SignatureRecord,
    TensorRecord,
)

MANIFEST = Manifest(
    signatures=(
        SignatureRecord(
            "serve",
            (TensorRecord("x", "float32", (-1, 4)),),
            (TensorRecord("y", "float32", (-1, 2)),),
        ),
    ),
    artifacts=(
        ArtifactRecord(
            "litert",
            "any",
            "float32",
            "passed",
            (FileRecord("m.tflite", 3, "a" * 64),),
            (GraphRecord("m.tflite", 8, "serve", {"x": "x:0"}),),
            composable=True,
        ),
    ),
    files=(FileRecord("golden.safetensors", 0, "b" * 64),),
    golden="golden.safetensors",
    labels=("cat", "dog"),
    provenance={"created": "2026-01-01"},
)


def publish_document(bundle: Path, document: Any) -> None:
    """Writes a document as a bundle's manifest, with the hash of it."""
    text = json.dumps(document)
    (bundle / "manifest.json").write_text(text)
    (bundle / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest() + "\n")
