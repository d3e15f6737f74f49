"""The dashboard's files need no other, and nobody else's."""

import re

import pytest

import aios
from aios.server.static_files import file_reply, static_files


def _texts():
    return {name: reply.body.decode() for name, reply in static_files().items()}


def test_every_file_that_another_one_names_is_there():
    files = _texts()
    page = files["index.html"]
    named = set(re.findall(r'(?:href|src)="/dashboard/([^"]+)"', page))
    for name, text in files.items():
        if name.endswith(".js"):
            named |= set(re.findall(r'from "\./([^"]+)"', text))
    assert {"app.js", "style.css", "icon.svg", "dom.js"} <= named
    assert named | {"index.html"} == set(files)


def test_none_names_another_machine():
    for name, text in _texts().items():
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text))
        assert addresses <= {"http://www.w3.org"}, name


def test_none_has_what_the_policy_forbids():
    forbidden = r"innerHTML|\beval\(|<style|style=|<script(?! type)|\son\w+=\""
    for name, text in _texts().items():
        assert not re.search(forbidden, text), name


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(aios.NotFoundError, match="expected one of answer.js, "):
        file_reply(static_files(), "none")
