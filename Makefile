# What a person types is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD := build/cpp
# The system's cmake and ninja where there are any, else those of the venv.
export PATH := $(PATH):$(CURDIR)/$(BIN)
# Without it, pip would install pure Python where the C++ extension can't be built.
export AIOS_REQUIRE_CPP := 1
SOURCES := $(shell find include src python cmake -type f -not -name '*.pyc') \
           CMakeLists.txt pyproject.toml README.md
CPP_FILES := $(shell find include src tests/cpp -name '*.[ch]pp' -o -name '*.cc' -o -name '*.h')

.PHONY: demo test test-cpp test-python chaos torture lint format stubs bench bench-server clients screenshots soak zoo fuzz fuzz-server sanitize clean

demo: $(VENV)/.demo
	$(BIN)/aios demo

test: lint test-cpp test-python

test-cpp: $(VENV)/.build-tools
	cmake -S . -B $(BUILD) -G Ninja -DAIOS_BUILD_TESTS=ON >/dev/null
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) -j2 --output-on-failure

test-python: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile

# The C++ tests under ASan + UBSan, then under TSan with eight threads on one real cell.
sanitize: $(VENV)/.test
	$(BIN)/python tests/fuzz/seed_bundle.py build/sanitize.cell
	for preset in asan tsan; do \
	  cmake --preset $$preset >/dev/null && cmake --build --preset $$preset && \
	  AIOS_TEST_BUNDLE=$(CURDIR)/build/sanitize.cell build/$$preset/tests/cpp/aios_tests || exit 1; \
	done

# Kill -9 at 50 random moments of the standard workflow, by resume and by a second manager.
chaos: $(VENV)/.test
	$(BIN)/python tests/chaos/harness.py resume light 50
	$(BIN)/python tests/chaos/harness.py takeover light 50
	$(BIN)/python tests/chaos/harness.py resume standard 50
	$(BIN)/python tests/chaos/harness.py takeover standard 50

# Everything that should not break it, in a quarter of an hour; as `make torture TORTURE="--quick"`.
TORTURE := --docs docs/reliability.md
torture: $(VENV)/.test
	$(BIN)/python tests/torture/run.py $(TORTURE)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(CPP_FILES)

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP_FILES)

# After a change of src/python: the committed stubs are what the extension says of itself.
stubs: $(VENV)/.test
	$(BIN)/python -m nanobind.stubgen -q -P -m aios._core -o python/aios/_core.pyi

# As `make bench BENCH="--quick --models mlp_small,cnn"`; all of it writes docs/benchmarks.md.
BENCH := --docs docs/benchmarks.md
bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(BENCH)
	$(BIN)/python -m benchmarks.bridge
	$(BIN)/python -m benchmarks.start
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.workflow
	$(BIN)/python -m benchmarks.isolation

# What a request costs the server, beside a loop of recv and send alone.
bench-server: $(VENV)/.test
	$(BIN)/python -m benchmarks.server

# The pictures of the dashboard in docs/images, in Chromium.
screenshots: $(VENV)/.test
	AIOS_WRITE_SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/python/server/test_dashboard_page.py

# Ten minutes at 80 % of the peak, while versions come and go and clients misbehave; as
# `make soak SOAK="--seconds 60"`.
SOAK :=
soak: $(VENV)/.test
	$(BIN)/python -m benchmarks.server.soak $(SOAK)

# As `make zoo ZOO="MobileNet VGG16"`; all of it, two hours, writes docs/zoo.md.
ZOO :=
zoo: $(VENV)/.test
	$(BIN)/python -m benchmarks.applications $(ZOO) --docs docs/zoo.md

# The readers of bundles, for FUZZ_SECONDS each, then 200 random networks; a short run of both is
# part of the tests.
FUZZ_SECONDS ?= 300
fuzz: $(VENV)/.test
	$(BIN)/python tests/fuzz/seed_bundle.py build/fuzz.cell
	for target in manifest manifest-python manifest-both golden golden-python hostile hostile-python; do \
	  $(BIN)/python tests/fuzz/run.py build/fuzz.cell $$target --seconds $(FUZZ_SECONDS) \
	    --first $$(date +%s) --case build/fuzz-$$target.bin || exit 1; \
	done
	AIOS_RANDOM_NETWORKS=200 $(BIN)/python -m pytest -q tests/python/compiler/test_random_networks.py

# Other people's clients against `aios.Server`, each in an environment of its own.
clients: $(VENV)/.test
	$(BIN)/python tests/clients/run.py build/clients

# The server's protocol engine under libFuzzer with ASan and UBSan; needs clang.
fuzz-server: $(VENV)/.build-tools
	$(BIN)/python tests/fuzz/server/seeds.py build/fuzz/corpus
	cmake -S . -B build/fuzz -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
	  -DAIOS_BUILD_FUZZERS=ON -DAIOS_SANITIZE=fuzzer-no-link,address,undefined >/dev/null
	cmake --build build/fuzz --target engine_fuzzer message_fuzzer
	UBSAN_OPTIONS=halt_on_error=1 build/fuzz/tests/fuzz/server/engine_fuzzer build/fuzz/corpus -max_len=4096 -timeout=10 \
	  -dict=tests/fuzz/server/words.dict -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1
	UBSAN_OPTIONS=halt_on_error=1 build/fuzz/tests/fuzz/server/message_fuzzer build/fuzz/corpus-messages -max_len=1024 \
	  -timeout=10 -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1

clean:
	rm -rf build dist $(VENV)

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.system: cmake/install_system_packages.sh | $(VENV)/.python
	sh cmake/install_system_packages.sh
	touch $@

# The build tools stay in the venv, so that a second build of the wheel is incremental.
$(VENV)/.build-tools: pyproject.toml $(VENV)/.system
	$(BIN)/pip install -q "scikit-build-core>=0.11" "nanobind>=2.9" "numpy>=2.0" cmake ninja
	touch $@

$(VENV)/.demo: $(SOURCES) $(VENV)/.build-tools
	$(BIN)/pip install -q --no-build-isolation ".[demo]"
	touch $@

# What some tests use and nobody else needs; they are skipped where it can't be had.
$(VENV)/.test-system: cmake/install_system_packages.sh | $(VENV)/.python
	timeout 600 sh cmake/install_system_packages.sh chromium || true
	touch $@

$(VENV)/.test: $(SOURCES) $(VENV)/.build-tools $(VENV)/.test-system
	$(BIN)/pip install -q --no-build-isolation ".[all,test,lint]"
	touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/pip install -q --no-build-isolation ".[bench]"
	touch $@
