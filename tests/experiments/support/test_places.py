"""Sets of networks and of results: shipped ones by name, all others by path."""

from pathlib import Path

import pytest

from experiments.support.places import (
    MODELS,
    RESULTS,
    models_directory,
    results_directory,
    set_name,
    shipped_sets,
)


def test_a_shipped_set_has_a_prefix_and_all_else_is_a_path():
    assert models_directory("shipped:short") == MODELS / "short"
    assert results_directory(Path("shipped:paper")) == RESULTS / "paper"
    for path in ("short", "./short", "some/where", "..", ".", "/short"):
        assert models_directory(path) == results_directory(Path(path)) == Path(path)


def test_name_of_a_set(tmp_path, monkeypatch):
    (tmp_path / "mine" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "mine" / "below")
    names = ("shipped:short", "short", "a/b", "..", ".", str(tmp_path / "run[v2]"))
    assert [set_name(name) for name in names] == ["short", "short", "b", "mine", "below", "run[v2]"]


@pytest.mark.parametrize("name", ["shipped:", "shipped:..", "shipped:a/b", "shipped:/tmp"])
def test_a_shipped_set_is_never_elsewhere(name):
    with pytest.raises(ValueError, match=f"models is '{name}'; the shipped sets are .*short"):
        models_directory(name)
    with pytest.raises(ValueError, match=f"results is '{name}'; the shipped sets are"):
        results_directory(name)


def test_sets_that_are_shipped():
    assert shipped_sets(MODELS) == ["shipped:paper", "shipped:short"]
    assert {"shipped:paper", "shipped:short"} < set(shipped_sets(RESULTS))
    assert shipped_sets(MODELS / "absent") == []
