# Every target sets itself up from nothing: a virtual environment in .venv, the package with all its extras, the test tools.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One thread a test process: two processes already fill two cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal
READY := $(VENV)/.ready

.PHONY: demo test test-quick test-times test-inductor test-triton fuzz fuzz-calls mutants bench bench-science bench-segmentation bench-vision lint format clean

$(READY): pyproject.toml
	@echo "edgewise: setting itself up in $(VENV), once: torch and some hundred packages are downloaded, which takes minutes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --upgrade pip
	$(BIN)/pip install --editable '.[all]' --group dev
	@echo "edgewise: set up"
	touch $@

demo: $(READY)
	$(BIN)/edgewise demo

test: $(READY)
	$(BIN)/ruff check
	$(PYTEST)

test-quick: $(READY)
	$(PYTEST) -m 'not slow'

# All tests, and into tests/slow.txt the names of those that test-quick leaves out.
test-times: $(READY)
	$(PYTEST) --note-times

# Each model compiled by Inductor, and the longest exports; half an hour.
test-inductor: $(READY)
	$(PYTEST) -m inductor

# Triton's kernels in many more shapes, in its interpreter or on a GPU.
test-triton: $(READY)
	$(PYTEST) -m triton

# The kernels under AddressSanitizer on random layers for a minute; building them so takes several more.
fuzz: $(READY)
	$(BIN)/python tests/ops/native/fuzz.py

# Ten thousand random command lines, files and calls; each must work or be refused in a sentence.
fuzz-calls: $(READY)
	$(BIN)/python -m tests.fuzz

# Whether the tests notice: a hundred faults planted in a copy, an hour or two; killed it goes on.
mutants: $(READY)
	$(BIN)/python -m tests.mutation

# Peers without their dependencies: what they pin is old, and of it they need but pandas.
bench: $(READY)
	$(BIN)/pip install --quiet --no-deps inkan==0.5.2 pykan==0.2.8
	$(BIN)/pip install --quiet pandas
	$(BIN)/python benchmarks/layers.py

# Beside pykan and other peers, one thread each; what is not installed, or fails, is left out; `.venv/bin/python -m benchmarks.science.special --only NAME ...` shares the longest out.
bench-science: $(READY)
	$(BIN)/pip install --quiet --no-deps pykan==0.2.8 symbolic-data==0.3.0
	$(BIN)/pip install --quiet pandas statsmodels
	-$(BIN)/pip install --quiet jaxkan==0.3.7 pysindy==2.1.0 pyoperon==0.6.2 gplearn==0.4.3
	for part in grids penalties symbolic extension poisson equations fronts references dynamics feynman special tables sizes; do $(BIN)/python -m benchmarks.science.$$part || exit 1; done
	-$(BIN)/python -m benchmarks.science.peers_fronts
	-for peer in operon gplearn; do $(BIN)/python -m benchmarks.science.peers_symbolic $$peer; done

# Four networks on three sets of medical pictures, hours; DATA holds cvc, glas and busi. Killed it goes on.
bench-segmentation: $(READY)
	$(BIN)/pip install --quiet --no-deps segmentation-models-pytorch==0.6.0
	$(BIN)/python -m benchmarks.segmentation --cvc $(DATA)/cvc --glas $(DATA)/glas --busi $(DATA)/busi

# Every basis in one small network on MNIST, and on a fractal function; hours on one core, and killed it goes on.
bench-vision: $(READY)
	$(BIN)/python -m benchmarks.vision.bases
	$(BIN)/python -m benchmarks.vision.fractal

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV)
