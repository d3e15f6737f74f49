"""Runs other people's clients against aios.Server: python tests/clients/run.py FOLDER

Each client is installed into an environment of its own in FOLDER, the newest that pip finds.
"""

import importlib.util
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

#: Script beside this one: what it needs.
CLIENTS = {
    "tritonclient_http.py": ["tritonclient[http]"],
    "tritonclient_grpc.py": ["tritonclient[grpc]"],
    "tensorflow_serving_grpc.py": ["--no-deps", "tensorflow-serving-api"],
    "requests_rest.py": ["requests"],
}
#: Those that need TensorFlow get the one of this environment, which is large.
WITH_TENSORFLOW = ("tensorflow_serving_grpc.py",)


def environment(folder: Path, packages: list[str]) -> Path:
    """The python of an environment with these packages."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True, timeout=600)
    return python


def share_tensorflow(folder: Path) -> None:
    """Lets an environment use this one's TensorFlow, and what that needs."""
    found = importlib.util.find_spec("tensorflow")
    assert found is not None
    assert found.origin is not None
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "tensorflow.pth").write_text(str(Path(found.origin).parents[1]))


def main() -> int:
    """Prints a line a client; returns how many failed."""
    from served_models import write_models

    import aios

    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        models = write_models(Path(folder, "models"))
        with aios.Server(models, http_port=0, grpc_port=0) as server:
            for script, packages in CLIENTS.items():
                home = Path(sys.argv[1]).resolve() / Path(script).stem
                python = environment(home, packages)
                if script in WITH_TENSORFLOW:
                    share_tensorflow(home)
                command = [python, TESTS / "clients" / script, server.url, server.grpc_url]
                finished = subprocess.run(command, timeout=300, check=False)
                print(f"{script}: {'ok' if finished.returncode == 0 else 'FAILED'}", flush=True)
                failed += finished.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
