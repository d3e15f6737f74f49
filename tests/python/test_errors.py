"""The exceptions: a code each, and a built-in that users expect."""

import pickle

import pytest

import aios
from aios import errors

#: https://grpc.io/docs/guides/status-codes/
CODES = {
    "AiosError": 2, "InvalidArgumentError": 3, "DeadlineExceededError": 4, "NotFoundError": 5,
    "PermissionDeniedError": 7, "OverloadedError": 8, "FailedPreconditionError": 9,
    "WorkflowFailedError": 10,
    "UnsupportedError": 12, "InternalError": 13, "UnavailableError": 14, "CorruptBundleError": 15,
    "CorruptHomeError": 15,
}  # fmt: skip


def test_every_exception_has_the_number_of_its_code():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    found = {kind.__name__: kind.code for kind in kinds if issubclass(kind, errors.AiosError)}
    assert found == CODES
    assert all(getattr(aios, name) is getattr(errors, name) for name in CODES)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (aios.InvalidArgumentError, ValueError),
        (aios.DeadlineExceededError, TimeoutError),
        (aios.NotFoundError, LookupError),
        (aios.UnsupportedError, NotImplementedError),
    ],
)
def test_it_is_also_the_built_in_that_users_expect(kind, builtin):
    with pytest.raises(builtin) as caught:
        raise kind("what, where, and what to do")
    assert str(caught.value) == "what, where, and what to do"
    assert isinstance(caught.value, aios.AiosError)


def test_a_missing_thing_is_told_without_quotes_as_a_key_would_be():
    assert str(aios.NotFoundError("no bundle")) == "no bundle"
    assert str(aios.NotFoundError()) == ""


def test_a_failed_run_carries_its_report_and_a_full_home_says_so():
    assert aios.WorkflowFailedError("failed", report=7).report == 7
    assert not aios.OverloadedError("full").home_full


def test_they_pass_from_process_to_process():
    copy = pickle.loads(pickle.dumps(aios.CorruptBundleError("damaged")))
    assert (type(copy), str(copy)) == (aios.CorruptBundleError, "damaged")


def test_a_close_word_is_suggested_and_a_far_one_is_not():
    assert errors.did_you_mean("litrt", ["litert", "openvino"]) == "; did you mean 'litert'?"
    assert errors.did_you_mean("abacus", ["litert", "openvino"]) == ""
