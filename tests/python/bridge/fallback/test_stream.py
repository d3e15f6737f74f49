import pytest

from aios.bridge.fallback.stream import Stream
from aios.errors import UnsupportedError


def test_pure_python_says_what_streams_need():
    with pytest.raises(UnsupportedError, match=r"need the C\+\+ extension"):
        Stream()
