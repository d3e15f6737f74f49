"""Every engine of the table has an exporter, for every precision that it has."""

from aios.bridge.core import core
from aios.exporting.engines import MAKERS, REDUCERS


def test_every_engine_has_an_exporter_in_the_order_of_the_table():
    assert list(MAKERS) == [facts.name for facts in core.engines()]


def test_every_lower_precision_of_an_engine_has_an_exporter():
    asked = {(facts.name, precision) for facts in core.engines() for precision in facts.precisions}
    assert asked == set(REDUCERS) | {(facts.name, "float32") for facts in core.engines()}
