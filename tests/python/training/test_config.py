"""A config names the field that is wrong, and a good value for it."""

import pytest

import aios


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"epochs": 2.5},
        {"batch_size": -1},
        {"learning_rate": 0},
        {"early_stopping_patience": 0},
        {"optimizer": 3},
        {"keep_checkpoint": 1},
    ],
)
def test_a_bad_config_names_its_field_and_a_good_value(options):
    (name,) = options
    with pytest.raises(aios.InvalidArgumentError, match=rf"{name}: expected .*as "):
        aios.TrainingConfig(**options)


def test_early_stopping_is_patient_unless_told_otherwise():
    assert aios.TrainingConfig().early_stopping_patience == 10
