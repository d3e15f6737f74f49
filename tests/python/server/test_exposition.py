import pytest

from aios.server.exposition import CONTENT_TYPE, family, histogram, labels_text, page


def test_labels_are_escaped():
    assert labels_text(model='a"b\\c\nd', version=1) == r'model="a\"b\\c\nd",version="1"'


def test_a_family_without_samples_has_no_lines():
    assert list(family("a", "gauge", "What.", [])) == []
    assert list(histogram("a", "What.", [], [1.0])) == []


def test_a_histogram_adds_up_from_bucket_to_bucket():
    lines = list(histogram("a", "What.", [('x="1"', [2, 0, 3], 7.5)], [1.0, 1e6]))
    assert lines == [
        "# HELP a What.",
        "# TYPE a histogram",
        'a_bucket{x="1",le="1"} 2',
        'a_bucket{x="1",le="1e+06"} 2',
        'a_bucket{x="1",le="+Inf"} 5',
        'a_sum{x="1"} 7.5',
        'a_count{x="1"} 5',
    ]


def test_counts_that_do_not_fit_the_bounds_are_a_bug():
    with pytest.raises(ValueError, match="zip"):
        list(histogram("a", "What.", [("", [1], 0.0)], [1.0]))


def test_a_page_ends_with_a_line_end():
    reply = page(family("a", "counter", "What.", [("", 1), ('x="é"', 2.5)]))
    assert reply.content_type == CONTENT_TYPE
    assert reply.body.decode() == '# HELP a What.\n# TYPE a counter\na 1\na{x="é"} 2.5\n'
