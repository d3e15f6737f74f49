"""Which inputs a model is called with."""

import pytest
from exported import assert_answers, normal

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def test_an_optional_input_is_left_out_where_the_samples_leave_it_out(tmp_path):
    class Sum(layers.Layer):
        def call(self, x, more=None):
            return x * 2 if more is None else x + more

    x, more = keras.Input((3,), name="x"), keras.Input((3,), name="more", optional=True)
    model = keras.Model([x, more], Sum()(x, more))
    inputs = {"x": normal(4, 3), "more": normal(4, 3) + 1}
    for count, expected in ((1, inputs["x"] * 2), (2, inputs["x"] + inputs["more"])):
        given = dict(list(inputs.items())[:count])
        bundle = tmp_path / f"{count}.cell"
        aios.export(model, bundle, samples=given, engines="tensorflow")
        assert_answers(bundle, given, {"output_0": expected})
