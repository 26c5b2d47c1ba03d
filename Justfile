# Five words: test lint types tables report.
raw := "../shared/data"

# Run the tests.
test *args:
    pytest {{args}}

# Check style; change nothing.
lint:
    ruff check .
    ruff format --check .

# Check types.
types:
    basedpyright

# Rebuild every shipped table from a folder of raw files.
tables raw=raw:
    python -m archimeter.profilers.registry data/tables
    python -m archimeter.profilers.build data/tables 2
    python -m archimeter.data.build {{raw}} data/tables

# Write report.html over everything that ships.
report:
    archimeter report -o report.html
