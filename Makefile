# make demo: digits of the included model, then a training from nothing to pictures.
# make web: the page of your newest run in the browser; before there is one, of the included model.
# make demo.html, make demo_faces.html: the pages of the included models, as files to pass on.
# make test: everything that is checked.
# make soak: the tests that take long, then a training killed 30 times.  make audit: known faults of the libraries used.
# make test-web: the tests of the page in a browser; installs Chromium (Debian, as root) and what drives it. Then
# make test runs them, too. REQUIRE_BROWSER=1 has it fail where it would leave them out.
# make dates: their versions, and when each came out.
# All make .venv on the first call. PYTHON=python3.12 chooses another Python.

PYTHON ?= python3
BIN := .venv/bin
DEMO := --out_dir demo --dataset mnist --input_height=28 --output_height=28

.PHONY: demo web demo.html demo_faces.html test test-web soak audit dates format clean

demo: .venv/installed
	$(BIN)/python generate.py --run pretrained/mnist --label 0-9 --grid --out demo/pretrained
	@echo "these digits are of the included model. Now one is trained, for 500 steps:"
	$(BIN)/python download.py mnist
	$(BIN)/python main.py $(DEMO) --train --train_size 32000 --epoch 1 --log_freq 50
	$(BIN)/python main.py $(DEMO)
	@echo "the pictures of the training:  demo/samples/mnist_64_28_28/"
	@echo "the pictures of the test mode: demo/samples/mnist_64_28_28/option_0/"

# The page of the run that was trained last, in the browser.
web: .venv/installed
	run=$$(ls -t checkpoint/*/*.index 2>/dev/null | head -n 1); \
	$(BIN)/python export.py --run "$$(dirname "$${run:-pretrained/mnist/run.json}")" --format web --out exported/newest && \
	$(BIN)/python -m webbrowser "$$PWD/exported/newest/page.html"

demo.html: RUN := pretrained/mnist
demo_faces.html: RUN := pretrained/faces
demo.html demo_faces.html: .venv/installed
	$(BIN)/python export.py --run $(RUN) --format web --out exported/$(basename $@)
	cp exported/$(basename $@)/page.html $@

test: .venv/extras
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/python -m pytest -q -rs -n 2 --dist worksteal

test-web: .venv/web
	REQUIRE_BROWSER=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal tests/exports

soak: .venv/extras
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m slow
	PYTHONPATH=. TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python tests/soak.py

# --strict: a library that cannot be looked up is a failure, not a line to be overlooked.
audit: .venv/installed
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/pip-audit --strict

dates: .venv/installed
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python -m pip freeze --exclude uv | $(BIN)/uv pip compile --quiet --no-deps --format pylock.toml - \
	| $(BIN)/python tests/dates.py

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/extras: requirements-extras.txt .venv/installed
	$(BIN)/python -m pip install --quiet -r requirements-extras.txt
	touch $@

.venv/web: requirements-web.txt .venv/installed
	command -v chromium || command -v chromium-browser || command -v google-chrome || \
	{ apt-get update -qq && apt-get install -qq --no-install-recommends chromium; } || \
	{ echo "a Chromium is needed: install it by hand, then make test-web again"; exit 1; }
	$(BIN)/python -m pip install --quiet -r requirements-web.txt
	touch $@

clean:
	rm -rf .venv demo demo.html demo_faces.html .mypy_cache .pytest_cache .ruff_cache
