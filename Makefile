# make demo: fine-tune the built-in model on the built-in voice; make test: run the tests. Both install first.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

SUDO := $(shell [ $$(id -u) = 0 ] || echo sudo)

.PHONY: demo human-voice test test-slow lint install clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[offline,raw,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps resemblyzer==0.1.4
	touch $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/tts-finetune experiment=demo

human-voice: $(INSTALLED)
	$(SUDO) apt-get install -y --no-install-recommends asterisk-core-sounds-en-g722 asterisk-core-sounds-en ffmpeg
	$(BIN)/tts-finetune experiment=human_voice

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv outputs .cache build dist *.egg-info
