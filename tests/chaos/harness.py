"""Kill -9 at random moments, then look at what is left: the checks behind `make chaos`.

`python tests/chaos/harness.py resume|takeover light|standard KILLS [SEED]`

* resume: one process at a time; each is killed at a random moment and a new one goes on.
* takeover: two processes on one home; one is killed and replaced, nobody calls resume.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from aios.home.bundles import bundle_sha256
from aios.home.home import Home

HERE = Path(__file__).parent


class ChaosError(AssertionError):
    """A promise was broken; the message says which."""


def start(
    worker: str, home: Path, runs: int, lease_s: float, target: int, *extra: str
) -> subprocess.Popen[bytes]:
    """Start a worker process on `home`."""
    command = [sys.executable, str(HERE / f"{worker}.py"), str(home), str(runs), str(lease_s)]
    return subprocess.Popen([*command, str(target), *extra], stdout=subprocess.PIPE)


def unfinished(path: Path) -> bool:
    """True while a run of the home isn't over."""
    home = Home(path, mode="read")
    try:
        return bool(home.store.runs(status="RUNNING", limit=1))
    finally:
        home.close()


def wait_ready(process: subprocess.Popen[bytes], timeout_s: float = 60) -> None:
    """Wait until the worker has made its runs."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    give_up = time.monotonic() + timeout_s
    text = b""
    while b"ready" not in text:
        if time.monotonic() > give_up:
            raise ChaosError("a worker didn't start")
        text += process.stdout.read() or b""
        if process.poll() is not None and b"ready" not in text:
            raise ChaosError(f"a worker ended with {process.returncode} before it was ready")
        time.sleep(0.002)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, by /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = [pid]
    for item in found:
        found.extend(child for child, parent in parents.items() if parent == item)
    return found[1:]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 one worker; everything that it started must die too."""
    children = descendants(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    give_up = time.monotonic() + 10
    while alive := [pid for pid in children if _lives(pid)]:
        if time.monotonic() > give_up:
            raise ChaosError(f"orphan processes: {alive}")
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def resume_rounds(
    worker: str, kills: int, seed: int, *, runs: int, moments_s: tuple[float, float], lease_s: float
) -> dict[str, float]:
    """Kill one worker `kills` times before its runs are over; a new home whenever they are."""
    chance = random.Random(seed)
    done = homes = 0
    started = time.monotonic()
    while done < kills:
        homes += 1
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            process = start(worker, home, runs, lease_s, runs)
            wait_ready(process)
            while done < kills and process.poll() is None:
                time.sleep(chance.uniform(*moments_s))
                if process.poll() is not None:
                    break
                kill(process)
                done += unfinished(home)
                process = start(worker, home, 0, lease_s, runs, "resume")
                wait_ready(process)
            finish(process, 300)
            check(home, runs)
    return {"kills": done, "homes": homes, "seconds": round(time.monotonic() - started, 1)}


def takeover_rounds(
    worker: str, kills: int, seed: int, *, runs: int, moments_s: tuple[float, float], lease_s: float
) -> dict[str, float]:
    """Two workers on one home; kill one of them `kills` times; the other takes over by itself."""
    chance = random.Random(seed)
    done = homes = 0
    started = time.monotonic()
    while done < kills:
        homes += 1
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            pair = [start(worker, home, runs, lease_s, 2 * runs) for _ in range(2)]
            for process in pair:
                wait_ready(process)
            while done < kills and all(process.poll() is None for process in pair):
                time.sleep(chance.uniform(*moments_s))
                victim = chance.randrange(2)
                if any(process.poll() is not None for process in pair):
                    break
                kill(pair[victim])
                done += unfinished(home)
                pair[victim] = start(worker, home, 0, lease_s, 2 * runs)
                wait_ready(pair[victim])
            for process in pair:
                finish(process, 300)
            check(home, 2 * runs)
    return {"kills": done, "homes": homes, "seconds": round(time.monotonic() - started, 1)}


def finish(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait for a worker's own end."""
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise ChaosError(f"runs didn't complete in {timeout_s} s") from None
    if code != 0:
        raise ChaosError(f"a worker ended with {code}")


def check(path: Path, runs: int) -> None:
    """Every run complete, each registered and deployed once, no message lost or doubled, no half"
    " bundle."""
    home = Home(path, mode="open")
    try:
        store = home.store
        found = store.runs(limit=100_000)
        _expect("runs", len(found), runs)
        _expect("statuses", Counter(run.status for run in found), Counter(SUCCESS=runs))
        messages = store.messages(limit=1_000_000)
        _expect("message ids", len({item.id for item in messages}), len(messages))
        kinds = Counter((item.run_id, item.type) for item in messages)
        per_run = {"RunStarted": 1, "RunFinished": 1, "ModelRegistered": 1, "ModelDeployed": 1}
        for run in found:
            for kind, count in per_run.items():
                _expect(f"{kind} of {run.id}", kinds[run.id, kind], count)
            if run.workflow == "light":
                _expect(f"ModelTrained of {run.id}", kinds[run.id, "ModelTrained"], 3)
        versions = [item.value for item in store.documents("versions")]
        _expect(
            "versions by run",
            Counter(item["run_id"] for item in versions),
            Counter([run.id for run in found]),
        )
        _expect(
            "version numbers",
            sorted(item["version"] for item in versions),
            list(range(1, runs + 1)),
        )
        _expect("problems", store.problems(), [])
        _expect("unfinished files", list(home.content.tmp.iterdir()), [])
        for bundle in home.bundles.iterdir():
            _expect(f"hash of bundle {bundle.name}", f"{bundle_sha256(bundle)}.cell", bundle.name)
            if (bundle / "manifest.json").exists():
                _verify_bundle(bundle)
    finally:
        home.close()


def _verify_bundle(bundle: Path) -> None:
    from aios.bundle.manifest import hash_file, read_manifest

    manifest = read_manifest(bundle)
    files = [*manifest.files, *(file for item in manifest.artifacts for file in item.files)]
    for file in files:
        _expect(f"{bundle.name}/{file.path}", hash_file(bundle, file.path), file)


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ChaosError(f"{what}: expected {expected}, found {found}")


SETTINGS = {
    "light": {"runs": 12, "moments_s": (0.0, 0.3), "lease_s": 0.5},
    "standard": {"runs": 1, "moments_s": (0.5, 12.0), "lease_s": 2.0},
}


def main() -> int:
    """Run what the command line asks for; print one JSON line."""
    mode, worker, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
    rounds = {"resume": resume_rounds, "takeover": takeover_rounds}[mode]
    outcome = rounds(worker, kills, seed, **SETTINGS[worker])  # type: ignore[arg-type]
    print(json.dumps({"mode": mode, "worker": worker, "seed": seed, **outcome}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
