import pytest

from aios.bundle.records import StateRecord, StreamRecord, Tolerance
from aios.bundle.stream_schema import parse_stream
from aios.errors import CorruptBundleError

FILES = {"stream/manifest.json"}


def _entry(**changes):
    return {
        "verdict": "passed",
        "path": "stream",
        "states": [{"input": "a", "output": "b", "layer": "c"}],
        "tolerance": {"absolute": 1e-5, "relative": 1e-4},
        "max_error": 0.5,
        "worst": 0.25,
        "samples": 3,
        "frames": 4,
        "latency_frames": 0,
        "reason": None,
        "more": "than this version knows",
        **changes,
    }


def _parse(entry):
    def figures(given):
        return {**given, "tolerance": Tolerance()}

    return parse_stream(entry, FILES, lambda given, key: given[key], figures)


def test_a_stream_is_read():
    assert _parse(_entry()) == StreamRecord(
        "passed", "stream", (StateRecord("a", "b", "c"),), Tolerance(), 0.5, 0.25, 3, 4, 0, None
    )


def test_a_declined_one_has_no_folder():
    stream = _parse(_entry(verdict="declined", path="", states=[], reason="no state"))
    assert (stream.path, stream.reason) == ("", "no state")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "pending"}, "unknown verdict 'pending'"),
        ({"path": "other"}, "the stream's 'other/manifest.json' isn't among its 'files'"),
        ({"states": [{"input": "a", "output": ""}]}, "'output' has 0 bytes"),
        ({"states": None}, "'states' isn't a list"),
        ({"frames": -1}, "'frames' isn't a number of samples or frames"),
        ({"latency_frames": 0.5}, "'latency_frames' isn't a number"),
    ],
)
def test_a_broken_rule_is_named(changes, words):
    with pytest.raises(CorruptBundleError) as error:
        _parse(_entry(**changes))
    assert words in str(error.value)
