"""What the machine is told to be."""

import platform

import pytest

from aios.cli import machine

V3 = "avx avx2 bmi1 bmi2 f16c fma movbe"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl"
PROCESSOR = (
    "processor : 0\nmodel name : An Example 3000\nflags : sse4_2 {} made_up\n\nprocessor : 1\n"
)


@pytest.fixture
def cpuinfo(monkeypatch):
    """Sets what the kernel says of the processor."""
    machine._cpuinfo.cache_clear()

    def say(text):
        monkeypatch.setattr(machine.Path, "read_text", lambda self, errors: text)

    yield say
    machine._cpuinfo.cache_clear()


@pytest.mark.parametrize(
    ("flags", "target"), [(V4, "x86-64-v4"), (V3, "x86-64-v3"), ("avx avx2", "x86-64")]
)
def test_the_best_target_is_by_the_processors_features(cpuinfo, monkeypatch, flags, target):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    cpuinfo(PROCESSOR.format(flags))
    assert machine.best_target() == target


def test_an_arm_processor_has_one_target(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert machine.best_target() == "aarch64"


def test_the_name_and_the_features_that_matter_are_told(cpuinfo):
    cpuinfo(PROCESSOR.format("fma avx"))
    assert machine.cpu_model() == "An Example 3000"
    assert machine.cpu_features() == ["sse4_2", "avx", "fma"]
    assert "made_up" in machine.cpu_flags()


def test_a_kernel_that_says_nothing_leaves_pythons_word(cpuinfo, monkeypatch):
    cpuinfo("")
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert machine.cpu_model() == "riscv64"
    assert machine.cpu_features() == []


def test_no_limit_is_none(monkeypatch):
    from aios.bridge.core import core

    monkeypatch.setattr(core, "cgroup_cpus", lambda: float("inf"))
    assert machine.cgroup_cpus() is None
    monkeypatch.setattr(core, "cgroup_cpus", lambda: 1.5)
    assert machine.cgroup_cpus() == 1.5
    assert machine.thread_budget() >= 1
    assert machine.usable_cpus() >= 1
