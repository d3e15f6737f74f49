import math

import pytest

import aios
from aios.home.store import PutDocument
from aios.registry.shadow_results import (
    ShadowResult,
    keep_shadow_result,
    require_agreement,
    shadow_results,
    told,
)


@pytest.fixture
def store(manager):
    return manager.home.store


def _result(**counts):
    return ShadowResult(name="m", champion=1, challenger=2, **counts)


def test_counts_add_up_and_the_worst_stays(store):
    first = {"compared": 10, "agreed": 9, "worst": 3.0, "champion_us": [4, 6], "reason": ""}
    keep_shadow_result(store, "m", 1, 2, first)
    kept = keep_shadow_result(
        store,
        "m",
        1,
        2,
        {"compared": 5, "failed": 1, "worst": 1.5, "champion_us": [5, 0], "reason": "no"},
    )
    assert kept == _result(
        compared=15, agreed=9, failed=1, worst=3.0, champion_us=(9, 6), reason="no"
    )
    keep_shadow_result(store, "m", 2, 3, {"compared": 1})
    keep_shadow_result(store, "other", 1, 2, {"compared": 1})
    assert [each.compared for each in shadow_results(store, "m")] == [15, 1]
    assert len(shadow_results(store)) == 3


def test_a_difference_that_has_no_number_is_kept(store):
    keep_shadow_result(store, "m", 1, 2, {"compared": 1, "worst": math.inf})
    (kept,) = shadow_results(store)
    assert kept.worst == math.inf
    assert kept.to_json()["worst"] is None


@pytest.mark.parametrize(
    ("counts", "agreement"),
    [
        ({}, 0.0),
        ({"compared": 4, "agreed": 3}, 0.75),
        ({"compared": 4, "agreed": 0, "classified": 8, "same_class": 6}, 0.75),
        ({"compared": 3, "agreed": 3, "failed": 1}, 0.75),
        ({"failed": 1}, 0.0),
    ],
)
def test_agreement_is_of_classes_or_of_calls_and_a_failure_does_not_agree(counts, agreement):
    assert _result(**counts).agreement == agreement


def test_enough_calls_must_agree_with_the_version_that_answers(store):
    keep_shadow_result(store, "m", 1, 2, {"compared": 100, "agreed": 99, "failed": 0, "worst": 2})
    assert require_agreement(store, "m", 2, 1, compared=100, agreement=0.99).compared == 100
    for version, champion, compared, agreement in (
        (2, 1, 101, 0.99),
        (2, 1, 100, 0.995),
        (2, 3, 1, 0.0),
        (3, 1, 1, 0.0),
    ):
        with pytest.raises(aios.FailedPreconditionError, match="isn't promoted"):
            require_agreement(store, "m", version, champion, compared=compared, agreement=agreement)


def test_the_numbers_are_told_in_words():
    assert told(_result(compared=3, agreed=3, failed=1, reason="x: no", worst=0.5)) == (
        "beside version 1, 3 calls were compared, 1 failed (x: no), and 75.00% agree; the largest "
        "difference is 0.5 tolerances"
    )


def test_a_damaged_document_is_told(store):
    store.commit([PutDocument("shadows", "m/00000002/00000001", {"name": "m"})])
    with pytest.raises(aios.CorruptHomeError, match="what was compared .m/00000002"):
        shadow_results(store)
