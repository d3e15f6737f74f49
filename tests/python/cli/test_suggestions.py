"""Answers to mistyped names and paths."""

import pytest
import typer

import aios
from aios.cli.suggestions import (
    allowed_precision,
    counts,
    engine_names,
    precision_names,
    require_bundle,
)


def test_lists_of_names_are_taken_apart_and_each_is_taken_once():
    assert engine_names("--engine", " litert, openvino,litert,") == ("litert", "openvino")
    assert engine_names("--engine", "auto", extra=("auto",)) == ("auto",)
    assert precision_names("--precisions", "fp16,int8") == ("float16", "int8")
    assert allowed_precision("bf16") == "bfloat16"
    assert allowed_precision("fastest") == "fastest"
    assert counts("--batch", "1, 32,1") == (1, 32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: engine_names("--engine", "litrt"), "got 'litrt'; did you mean 'litert'?"),
        (lambda: engine_names("--engine", " , "), "expected any of compiled"),
        (lambda: precision_names("--precisions", "int"), "did you mean 'int8'?"),
        (lambda: allowed_precision("auto"), "got 'auto'"),
        (lambda: counts("--batch", "1,0"), "expected whole numbers of 1 or more, as 1,32"),
        (lambda: counts("--batch", "²"), "got '²'"),
        (lambda: counts("--batch", ""), "got ''"),
    ],
)
def test_what_is_unknown_is_a_bad_parameter(call, message):
    with pytest.raises(typer.BadParameter) as caught:
        call()
    assert message in caught.value.message


def test_a_path_that_is_no_bundle_says_what_is_there_instead(tmp_path):
    with pytest.raises(aios.NotFoundError, match="expected a directory that aios export wrote"):
        require_bundle(tmp_path / "m.cell")
    (tmp_path / "m.keras").touch()
    with pytest.raises(aios.NotFoundError, match=r"it is a file, .*aios export .* -o m\.cell"):
        require_bundle(tmp_path / "m.keras")
    for name in ("digits.cell", "b.cell"):
        (tmp_path / name).mkdir()
    with pytest.raises(aios.NotFoundError, match=r"did you mean 'digits\.cell'\?"):
        require_bundle(tmp_path / "digit.cell")
    with pytest.raises(aios.NotFoundError, match=r"; here are b\.cell, digits\.cell$"):
        require_bundle(tmp_path / "other")
    require_bundle(tmp_path / "b.cell")
