import math
import shutil

import numpy as np
import pytest
from PIL import Image

from archimeter.analysis.domain_guess import guess_domain
from archimeter.data.errors import InputError
from archimeter.data.imagefacts import facts_of_images
from archimeter.data.imagefolder import find_images
from archimeter.data.imagelook import SIDE, Look, Unreadable, look_at_all
from archimeter.data.twins import near_twins


def picture(seed, side=96, channels=3):
    """Smooth coloured patches: what a photograph's small copy is like."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (6, 6, channels), dtype=np.uint8)
    return Image.fromarray(small.squeeze()).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path):
    for i in range(12):
        where = tmp_path / ("train" if i < 9 else "val") / ("cat" if i % 3 else "dog")
        where.mkdir(parents=True, exist_ok=True)
        picture(i, side=80 + i).save(where / f"{i}.png")
    return tmp_path


def facts(folder, **options):
    return facts_of_images(find_images(folder), **options)


def test_the_numbers_of_the_question(folder):
    found = facts(folder)
    assert (found.n_images, found.n_train, found.by_split) == (12, 9, {"train": 9, "val": 3})
    assert (found.n_classes, found.per_class) == (2, {"cat": 6, "dog": 3})
    assert found.shorter_side == (80, 86, 91)
    assert (found.channels, found.channels_seen, found.grey_share, found.bits) == (3, 3, 0.0, 8)
    assert not found.multi_label
    entropy = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert found.balance == pytest.approx(entropy / math.log(2), abs=1e-6)
    assert (found.unreadable, found.twins) == ((), ())


def test_grey_stored_as_colour_is_noticed(tmp_path):
    for i in range(4):
        where = tmp_path / f"c{i % 2}"
        where.mkdir(exist_ok=True)
        grey = picture(i, channels=1)
        grey.convert("RGB").save(where / f"{i}.jpg", quality=80)
    found = facts(tmp_path)
    assert (found.channels, found.channels_seen, found.grey_share) == (3, 1, 1.0)


def test_damaged_files_are_named_and_counted_out(folder):
    (folder / "train" / "cat" / "text.jpg").write_text("no image")
    whole = (folder / "train" / "cat" / "1.png").read_bytes()
    (folder / "train" / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])
    found = facts(folder)
    assert {path.rpartition("/")[2] for path, _ in found.unreadable} == {"text.jpg", "cut.png"}
    assert found.n_images == 12


def test_nothing_readable_is_an_error(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_text("nothing")
    with pytest.raises(InputError, match="None of the 2 images can be read"):
        facts(tmp_path)


def test_one_class_is_nothing_to_tell_apart(tmp_path):
    (tmp_path / "only").mkdir()
    picture(0).save(tmp_path / "only" / "a.png")
    with pytest.raises(InputError, match=r"^There is 1 class in 1 image; there must be two or more"):
        facts(tmp_path)


def test_too_few_classes_say_what_is_missing(tmp_path):
    picture(0).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("image,label\na.png,\ngone.png,cat\n")
    with pytest.raises(
        InputError, match=r"^1 name in the table without a file.* There are 0 classes in 1 image;"
    ) as found:
        facts_of_images(find_images(tmp_path, tmp_path / "labels.csv"))
    assert "1 name in the table without a file, such as 'gone.png'" in str(found.value)
    assert "1 image without a label, such as" in str(found.value)
    assert "a.png" in str(found.value)


def test_the_same_file_in_two_splits_is_a_leak_and_its_labels_are_compared(folder):
    shutil.copy(folder / "train" / "cat" / "1.png", folder / "val" / "dog" / "copy.png")
    (group,) = facts(folder).twins
    assert group.same_file
    assert group.splits == ("train", "val")
    assert group.labels_differ
    assert facts(folder).leaks == (group,)


def test_a_scaled_and_recompressed_copy_is_a_near_twin(folder):
    with Image.open(folder / "train" / "dog" / "3.png") as image:
        image.resize((200, 200)).save(folder / "train" / "dog" / "again.jpg", quality=60)
    (group,) = facts(folder).twins
    assert not group.same_file
    assert {path.rpartition("/")[2] for path in group.paths} == {"3.png", "again.jpg"}
    assert (group.splits, group.labels_differ) == (("train",), False)


def test_empty_pictures_and_different_ones_are_no_near_twins():
    rng = np.random.default_rng(0)
    blank = np.full((5, SIDE, SIDE, 3), 200, np.uint8)
    other = np.stack([np.asarray(picture(int(s)).resize((SIDE, SIDE))) for s in rng.integers(0, 9999, 40)])
    assert near_twins(np.concatenate([blank, other])) == []


def test_mirrored_pictures_are_not_the_same():
    one = np.asarray(picture(3).resize((SIDE, SIDE)))
    assert near_twins(np.stack([one, one[:, ::-1]])) == []
    assert near_twins(np.stack([one, one])) == [[0, 1]]


@pytest.mark.parametrize(
    ("mode", "channels", "bits"),
    [("L", 1, 8), ("RGB", 3, 8), ("RGBA", 3, 8), ("LA", 1, 8), ("P", 3, 8), ("I;16", 1, 16), ("CMYK", 4, 8)],
)
def test_channels_are_counted_without_alpha(tmp_path, mode, channels, bits):
    image = picture(1)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 200)
    else:
        image = image.convert(mode)
    path = tmp_path / ("x.tif" if mode in ("CMYK", "I;16") else "x.png")
    image.save(path)
    (look,) = look_at_all([path])
    assert isinstance(look, Look)
    assert (look.channels, look.bits) == (channels, bits)
    assert look.small.shape == (SIDE, SIDE, 3)
    assert look.small.std() > 10


def test_a_file_that_went_away_is_unreadable_not_a_crash(tmp_path):
    (look,) = look_at_all([tmp_path / "gone.png"])
    assert isinstance(look, Unreadable)
    assert "No such file" in look.reason


def test_of_large_sets_a_fixed_sample_is_looked_at(folder):
    told = []
    found = facts(folder, most=5, step=told.append)
    assert (found.n_looked_at, found.n_images, len(told)) == (5, 12, 5)
    assert facts(folder, most=5).shorter_side == found.shorter_side


def test_json_holds_everything_but_the_pictures(folder):
    import json

    document = facts(folder).as_document()
    assert json.loads(json.dumps(document))["per_class"] == {"cat": 6, "dog": 3}
    assert "small" not in document


def copies(values):
    return np.stack([np.asarray(v, np.uint8) for v in values])


def test_handwritten_digits_are_guessed_to_be_a_document():
    from sklearn.datasets import load_digits

    digits = load_digits().images[:200]
    small = copies(
        np.asarray(Image.fromarray(np.uint8(d * 15.9)).convert("RGB").resize((SIDE, SIDE))) for d in digits
    )
    assert guess_domain(small).domain == "document"


def test_stained_tissue_is_guessed_to_be_microscopy():
    rng = np.random.default_rng(0)
    pink, purple = np.array([225, 165, 200]), np.array([120, 80, 160])
    share = rng.random((50, SIDE, SIDE, 1)) * rng.random((50, 1, 1, 1))
    small = np.clip(pink * (1 - share) + purple * share + rng.normal(0, 6, (50, SIDE, SIDE, 3)), 0, 255)
    guess = guess_domain(small.astype(np.uint8))
    assert (guess.domain, guess.sure) == ("microscopy", True)


def test_photographs_are_never_taken_for_sure():
    guess = guess_domain(copies(np.asarray(picture(i).resize((SIDE, SIDE))) for i in range(60)))
    assert not guess.sure
