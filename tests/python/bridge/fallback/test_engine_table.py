"""What is known of the engines without the extension."""

from aios.bridge.fallback.engine_table import INTERPRETED, engines


def test_the_engines_are_in_the_order_of_preference_and_those_with_an_interpreter_among_them():
    names = [facts.name for facts in engines()]
    assert names == ["compiled", "litert", "openvino", "tensorflow"]
    assert [name for name in names if name in INTERPRETED] == list(INTERPRETED)


def test_an_engine_of_a_vendor_says_where_its_library_is():
    for facts in engines():
        known = (facts.vendor, facts.variable, facts.package, facts.file, facts.wheels)
        assert all(known) != facts.machine_code
        assert "float32" in facts.precisions


def test_the_table_is_not_the_callers_to_change():
    engines().clear()
    assert len(engines()) == 4
