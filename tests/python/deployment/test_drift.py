import json
import math

import numpy as np
import pytest

from aios.deployment.drift import Profile, TensorProfile


def test_the_same_distribution_is_stable_and_a_shift_of_one_deviation_is_not():
    random = np.random.default_rng(0)
    profile = TensorProfile.of("x", random.normal(size=(10_000, 3)))
    same = profile.psi(profile.select(random.normal(size=(2000, 3))))
    shifted = profile.psi(profile.select(random.normal(size=(2000, 3)) + np.array([0, 1, 0])))
    assert max(same) < 0.02
    assert shifted[1] > 0.5
    assert max(shifted[0], shifted[2]) < 0.02


def test_the_index_is_the_formulas():
    profile = TensorProfile.of("x", np.array([0.0] * 50 + [1.0] * 50))
    live = np.array([0.0] * 20 + [1.0] * 80)
    expected = (0.2 - 0.5) * math.log(0.2 / 0.5) + (0.8 - 0.5) * math.log(0.8 / 0.5)
    assert profile.psi(profile.select(live))[0] == pytest.approx(expected, rel=1e-6)


def test_a_feature_that_was_constant_and_moves_either_way_is_found():
    profile = TensorProfile.of("x", np.zeros((100, 1)))
    assert profile.psi(profile.select(np.zeros((100, 1))))[0] == 0
    for value in (1e-6, -1e-6):
        assert profile.psi(profile.select(np.full((100, 1), value)))[0] > 5


def test_wide_tensors_are_profiled_at_256_places():
    profile = TensorProfile.of("x", np.zeros((4, 10, 1000)))
    assert len(profile.features) == 256
    assert (profile.features[0], profile.features[-1]) == (0, 9999)
    assert profile.select(np.zeros((2, 10, 1000))).shape == (2, 256)
    assert profile.select(np.zeros((2, 5))) is None


def test_a_profile_survives_json():
    profile = Profile.of({"x": np.random.default_rng(0).normal(size=(50, 2))}, {"y": np.eye(50)})
    assert Profile.from_json(json.loads(json.dumps(profile.to_json()))) == profile
