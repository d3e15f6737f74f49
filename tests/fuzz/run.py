"""Fuzzes the readers of bundles: `python tests/fuzz/run.py BUNDLE TARGET --seconds 60`.

Without atheris the mutations come from a fixed seed, so that case N is the same each time; with
`--atheris` libFuzzer draws them, guided by the coverage of the Python readers. The case in work is
always in the file `--case`, so that what kills the process is found there, to be run again with
`--again FILE`.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import json
import random
import sys
import tempfile
import time
from pathlib import Path

TARGETS = (
    "manifest", "manifest-python", "manifest-both", "golden", "golden-python", "hostile",
    "hostile-python",
)  # fmt: skip


#: A case that takes longer hangs.
_LONGEST_S = 60


def main() -> None:
    options = _options()
    if options.atheris:
        import atheris

        with atheris.instrument_imports(include=["aios"]):
            import targets
    else:
        import targets
    from aios.bridge.engines import library_paths

    libraries = library_paths() if options.engines else {}
    with tempfile.TemporaryDirectory() as name:
        bundle = targets.Bundle(options.bundle, Path(name) / "fuzz.cell", libraries)
        read = {
            "manifest": bundle.try_manifest,
            "manifest-python": bundle.try_manifest_in_python,
            "manifest-both": bundle.try_both,
            "golden": bundle.try_golden,
            "hostile": bundle.try_hostile,
            "hostile-python": bundle.try_hostile_in_python,
            "golden-python": bundle.try_golden_in_python,
        }[options.target]
        if options.again:
            print(read(options.again.read_bytes()))
        elif options.atheris:
            _guided(options, bundle, read)
        else:
            _seeded(options, bundle, read)


def _seeded(options, bundle, read) -> None:
    outcomes = collections.Counter()
    ends = time.monotonic() + options.seconds
    largest, slowest = (0, 0), (0.0, 0)
    for number in range(options.first, options.first + options.cases):
        if options.target.startswith("hostile"):
            content = str(number).encode()
        else:
            content = _case(options.target, bundle, random.Random(number))
        options.case.write_bytes(content)
        # What never returns is found by its stacks, and ends the process.
        faulthandler.dump_traceback_later(_LONGEST_S, exit=True)
        begin = time.monotonic()
        try:
            outcomes[read(content)] += 1
        except BaseException as error:
            print(f"case {number} of {options.target}: {type(error).__name__}: {error}")
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()
        if options.target.startswith("hostile"):
            largest = max(largest, (bundle.grown_mib, -number))
        slowest = max(slowest, (round(time.monotonic() - begin, 2), -number))
        if time.monotonic() > ends:
            break
    figures = {
        "cases": outcomes.total(),
        "grown_mib": largest[0], "grown_case": -largest[1],
        "slowest_s": slowest[0], "slowest_case": -slowest[1],
    }  # fmt: skip
    print(json.dumps({"target": options.target, **figures, **outcomes}))


def _case(target: str, bundle, generator: random.Random) -> bytes:
    import mutation

    if target.startswith("golden"):
        return mutation.mutate_safetensors(generator, bundle.golden)
    if generator.random() < 0.2:
        return mutation.mutate_bytes(generator, json.dumps(bundle.manifest).encode())
    return json.dumps(mutation.mutate_json(generator, bundle.manifest)).encode()


def _guided(options, bundle, read) -> None:
    import atheris

    def mutated(content: bytes, limit: int, seed: int) -> bytes:
        generator = random.Random(seed)
        if generator.random() < 0.5:
            return atheris.Mutate(content, limit)
        return _case(options.target, bundle, generator)[:limit]

    def one(content: bytes) -> None:
        read(content)

    corpus = Path(tempfile.mkdtemp(prefix="aios-fuzz-corpus-"))
    seed = (
        bundle.golden
        if options.target.startswith("golden")
        else json.dumps(bundle.manifest).encode()
    )
    (corpus / "seed").write_bytes(seed)
    arguments = [sys.argv[0], f"-max_total_time={options.seconds}", "-max_len=200000", str(corpus)]
    arguments.append(f"-artifact_prefix={options.case.parent}/")
    atheris.Setup(arguments, one, custom_mutator=mutated)
    atheris.Fuzz()


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--cases", type=int, default=10**9)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--case", type=Path, default=Path("fuzz-case.bin"))
    parser.add_argument("--again", type=Path)
    parser.add_argument("--engines", action="store_true", help="golden: with installed engines")
    parser.add_argument("--atheris", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
