# make demo: from nothing to pictures.  make test: everything that is checked.
# Both make .venv on the first call. PYTHON=python3.12 chooses another Python.

PYTHON ?= python3
BIN := .venv/bin
DEMO := --out_dir demo --dataset mnist --input_height=28 --output_height=28

.PHONY: demo test format clean

demo: .venv/installed
	$(BIN)/python download.py mnist
	$(BIN)/python main.py $(DEMO) --train --train_size 32000 --epoch 1 --log_freq 50
	$(BIN)/python main.py $(DEMO)
	@echo "the pictures of the training:  demo/samples/mnist_64_28_28/"
	@echo "the pictures of the test mode: demo/samples/mnist_64_28_28/option_0/"

test: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

clean:
	rm -rf .venv demo .mypy_cache .pytest_cache .ruff_cache
