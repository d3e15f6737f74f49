"""Where things are in a home, without its database."""

from aios.home.codec import load_value, store_value
from aios.home.home_files import HomeFiles
from aios.home.pins import pinned


def test_work_pins_what_it_stores_until_it_ends(files):
    with files.work() as work:
        ref = store_value("x" * 20_000, work.content)
        assert pinned(files.pins) == {ref.sha256}
        assert work.pin_file().parent == files.pins
    assert pinned(files.pins) == set()
    assert load_value(ref, files.content) == "x" * 20_000


def test_the_checkpoints_of_a_run_are_forgotten_and_others_kept(files):
    for run in ("one", "two"):
        (files.checkpoints(run) / "train-k").mkdir(parents=True)
    files.forget_checkpoints("one")
    files.forget_checkpoints("never was")
    assert [place.name for place in files.checkpoints("two").parent.iterdir()] == ["two"]


def test_a_bundle_that_is_being_removed_comes_back_when_it_is_asked_for(tmp_path):
    home = HomeFiles(tmp_path)
    name = f"{'a' * 64}.cell"
    (home.content.trash / name).mkdir(parents=True)
    assert home.bundle("a" * 64) == home.bundles / name
