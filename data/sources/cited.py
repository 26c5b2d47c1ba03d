"""Figures of data sets from public catalogues, papers and repositories: key → figures, and their source."""

from __future__ import annotations

from typing import Any

__all__ = ["CITED"]

TFDS = "TensorFlow Datasets catalogue: "
VTAB = "google-research/task_adaptation, data/*_test.py"
INFO = "MedMNIST/MedMNIST, medmnist/info.py"
ARENA = "Dimitrovski et al.: AiTLAS Benchmark Arena, 2023, tables of data sets"
GEO = "Lacoste et al.: GEO-Bench, NeurIPS 2023, table of classification tasks"
EVA = "kaiko-ai/eva, docs/datasets/"
WILDS = "p-lambda/wilds, "

FIRST: dict[str, dict[str, Any]] = {
    "imagenet-1k": {"n_train": 1281167, "n_classes": 1000, "channels": 3, "source": TFDS + "imagenet2012"},
    "caltech-101": {"n_train": 3060, "n_classes": 102, "channels": 3, "source": TFDS + "caltech101"},
    "cifar-10": {"n_train": 50000, "n_classes": 10, "image_size": 32, "channels": 3, "source": TFDS + "cifar10"},
    "cifar-100": {"n_train": 50000, "n_classes": 100, "image_size": 32, "channels": 3, "source": TFDS + "cifar100"},
    "country211": {"n_train": 31650, "n_classes": 211, "source": "openai/CLIP, data/country211.md (150 a country)"},
    "kitti-distance": {"n_train": 6347, "channels": 3, "source": TFDS + "kitti"},
    "mnist": {"n_train": 60000, "n_classes": 10, "image_size": 28, "channels": 1, "source": TFDS + "mnist"},
    "rendered-sst2": {"n_train": 6920, "n_classes": 2, "source": "torchvision documentation, RenderedSST2"},
    "stl-10": {"n_train": 5000, "n_classes": 10, "image_size": 96, "channels": 3, "source": TFDS + "stl10"},
    "sun397": {"n_train": 19850, "n_classes": 397, "channels": 3, "source": TFDS + "sun397/standard-part1-120k"},
    "svhn": {"n_train": 73257, "n_classes": 10, "image_size": 32, "channels": 3, "source": TFDS + "svhn_cropped"},
    "ucf101": {"n_train": 9537, "n_classes": 101, "channels": 3, "source": TFDS + "ucf101 (videos of split 1)"},
    "voc-2007": {"n_train": 5011, "n_classes": 20, "channels": 3, "source": TFDS + "voc/2007 (train and validation)"},
    "stanford-cars": {"n_train": 8144, "n_classes": 196, "channels": 3, "source": TFDS + "cars196"},
    "dtd": {"n_train": 1880, "n_classes": 47, "channels": 3, "source": TFDS + "dtd (first fold)"},
    "flowers-102": {"n_train": 1020, "n_classes": 102, "channels": 3, "source": TFDS + "oxford_flowers102"},
    "food-101": {"n_train": 75750, "n_classes": 101, "channels": 3, "source": TFDS + "food101"},
    "pets": {"n_train": 3680, "n_classes": 37, "channels": 3, "source": TFDS + "oxford_iiit_pet"},
    "fishnet": {"n_classes": 9, "source": "samuelstevens/biobench, fishnet/__init__.py"},
    "inaturalist-2021": {"n_classes": 10000, "channels": 3, "source": TFDS + "i_naturalist2021"},
    "newt": {"n_classes": 2, "source": "samuelstevens/biobench, newt/__init__.py"},
    "plantnet-300k": {"n_classes": 1081, "source": "Garcin et al.: Pl@ntNet-300K, abstract"},
    "clevr-count": {"n_train": 70000, "n_classes": 8, "channels": 3, "source": VTAB},
    "clevr-distance": {"n_train": 70000, "n_classes": 6, "channels": 3, "source": VTAB},
    "dmlab": {"n_train": 65550, "n_classes": 6, "image_size": 360, "channels": 3, "source": TFDS + "dmlab"},
    "dsprites-location": {"n_train": 663552, "image_size": 64, "channels": 1, "source": f"{VTAB}; {TFDS}dsprites"},
    "dsprites-orientation": {"n_train": 663552, "image_size": 64, "channels": 1, "source": f"{VTAB}; {TFDS}dsprites"},
    "smallnorb-azimuth": {
        "n_train": 24300, "n_classes": 18, "image_size": 96, "channels": 1, "source": TFDS + "smallnorb",
    },
    "smallnorb-elevation": {
        "n_train": 24300, "n_classes": 9, "image_size": 96, "channels": 1, "source": TFDS + "smallnorb",
    },
    "bigearthnet-19": {"n_classes": 19, "source": "the study's name of the set"},
    "bigearthnet-43": {"n_classes": 43, "image_size": 120, "source": TFDS + "bigearthnet/rgb"},
    "eurosat": {"image_size": 64, "channels": 3, "source": TFDS + "eurosat/rgb"},
    "planet": {
        "n_train": 800, "n_classes": 17,
        "source": "derived: the sweep evaluates 200 images × 17 labels, the fifth that fastai holds out",
    },
    "resisc45": {"image_size": 256, "channels": 3, "source": TFDS + "resisc45"},
    "so2sat": {"n_classes": 17, "image_size": 32, "source": TFDS + "so2sat/rgb"},
    "uc-merced": {"image_size": 256, "channels": 3, "source": TFDS + "uc_merced (44 images differ)"},
    "camelyon17": {"n_classes": 2, "image_size": 96, "source": "p-lambda/wilds, camelyon17_dataset.py"},
    "covidx-cxr2": {"n_classes": 2, "source": "SLAMPAI/large-scale-pretraining-transfer, configs/finetune"},
    "diabetic-retinopathy": {
        "n_train": 35126, "n_classes": 5, "channels": 3, "source": TFDS + "diabetic_retinopathy_detection",
    },
    "padchest": {"n_classes": 27, "source": "SLAMPAI/large-scale-pretraining-transfer, configs/finetune"},
    "patch-camelyon": {
        "n_train": 262144, "n_classes": 2, "image_size": 96, "channels": 3, "source": TFDS + "patch_camelyon",
    },
    "tuberculosis-chest-xray": {
        "n_classes": 2, "source": "SLAMPAI/large-scale-pretraining-transfer, configs/finetune",
    },
    **{name: {"channels": 3, "source": INFO} for name in ("bloodmnist", "dermamnist", "pathmnist", "retinamnist")},
    **{
        name: {"channels": 1, "source": INFO}
        for name in (
            "breastmnist", "chestmnist", "octmnist", "organamnist", "organcmnist", "organsmnist",
            "pneumoniamnist", "tissuemnist",
        )
    },
}  # fmt: skip

FURTHER: dict[str, tuple[int | None, int | None, int | None, int | None, str]] = {
    # key: n_train, n_classes, image_size, channels, source
    "imagenet-real": (None, 1000, None, 3, TFDS + "imagenet2012_real"),
    "imagenet-v2": (None, None, None, 3, TFDS + "imagenet_v2"),
    "imagenet-sketch": (None, None, None, 3, TFDS + "imagenet_sketch"),
    "imagenet-a": (None, None, None, 3, TFDS + "imagenet_a"),
    "imagenet-a-clean": (None, 200, None, 3, "timm, results/README.md (ImageNet-A's 200 classes)"),
    "imagenet-r": (None, None, None, 3, TFDS + "imagenet_r"),
    "imagenet-r-clean": (None, 200, None, 3, "timm, results/README.md (ImageNet-R's 200 classes)"),
    "caltech-256": (None, 257, None, 3, "Griffin et al.: Caltech-256, 2007 (256 categories and clutter)"),
    "fer2013": (28709, 7, 48, 1, "Goodfellow et al.: Challenges in Representation Learning, 2013"),
    "gtsrb": (39209, 43, None, 3, "Stallkamp et al.: Man vs. computer, 2012"),
    "rendered-sst2": (None, None, 448, 3, "Radford et al.: CLIP, 2021, appendix A"),
    "birdsnap": (47386, None, None, 3, "Berg et al.: Birdsnap, CVPR 2014"),
    "cub-200-2011": (5994, 200, None, 3, TFDS + "caltech_birds2011"),
    "fgvc-aircraft": (6667, 100, None, 3, "Maji et al.: FGVC-Aircraft, 2013 (train and validation)"),
    "nabirds": (23929, 555, None, 3, "Van Horn et al.: NABirds, CVPR 2015"),
    "stanford-dogs": (12000, 120, None, 3, TFDS + "stanford_dogs"),
    "df20": (None, 1604, None, 3, "Picek et al.: Danish Fungi 2020, WACV 2022"),
    "df20-mini": (None, 182, None, 3, "Picek et al.: Danish Fungi 2020, WACV 2022"),
    "fungiclef": (295938, 1604, None, 3, "Picek et al.: Overview of FungiCLEF 2023"),
    "herbarium-2019": (34225, 683, None, 3, "Tan et al.: Herbarium Challenge 2019, arXiv:1906.05372"),
    "inaturalist-2021": (2686843, None, None, None, TFDS + "i_naturalist2021"),
    "iwildcam": (129809, 182, None, 3, WILDS + "iWildCam2020"),
    "kabr": (None, 8, None, 3, "Kholiavchenko et al.: KABR, WACVW 2024"),
    "mammalnet": (None, 12, None, 3, "Chen et al.: MammalNet, CVPR 2023"),
    "plankton": (None, 50, None, None, "Kraft et al.: SYKE-plankton_IFCB_2022"),
    "plantnet-300k": (243916, None, None, 3, "Garcin et al.: Pl@ntNet-300K, NeurIPS 2021"),
    "dsprites-location": (None, 16, None, None, VTAB),
    "dsprites-orientation": (None, 16, None, None, VTAB),
    **{
        name: (None, None, size, 3, ARENA)
        for size, names in {
            64: ("brazilian-coffee-scenes",),
            200: ("siri-whu",),
            256: ("clrs", "optimal-31", "patternnet", "planet-uas", "rsi-cb256", "uc-merced-multilabel"),
            400: ("rsscn7",),
            600: ("aid", "aid-multilabel", "dfc15-multilabel", "whu-rs19"),
        }.items()
        for name in names
    },
    "planet": (None, None, 256, 3, "the sample's images are those of Planet: Understanding the Amazon"),
    "bigearthnet-19": (269695, None, 120, None, "Sumbul et al.: BigEarthNet-MM, 2021 (official split)"),
    "bigearthnet-43": (269695, None, None, None, "Sumbul et al.: BigEarthNet-MM, 2021 (official split)"),
    "bigearthnet-v2": (None, 19, 120, None, "Clasen et al.: reBEN, 2024, arXiv:2407.03653"),
    "brick-kiln": (15063, 2, 64, 13, GEO),
    "fmow": (76863, 62, 224, 3, WILDS + "FMoW"),
    "forestnet": (6464, 12, 332, 6, GEO),
    "mlrsnet": (None, 60, 256, 3, ARENA),
    "pv4ger": (11814, 2, 320, 3, GEO),
    "rsd46-whu": (None, 46, 256, 3, ARENA),
    "sat-6": (324000, 6, 28, 4, "Basu et al.: DeepSat, 2015"),
    "so2sat": (352366, None, None, None, TFDS + "so2sat"),
    "treesatai": (None, 15, None, None, "torchgeo/torchgeo-bench, results/models/*.csv"),
    "bach": (268, 4, 1536, 3, EVA + "bach.md"),
    "breakhis": (1132, 4, 460, 3, EVA + "breakhis.md"),
    "camelyon17": (302436, None, None, 3, WILDS + "Camelyon17"),
    "gleason-arvaniti": (15303, 4, 750, 3, EVA + "gleason_arvaniti.md"),
    "mhist": (2175, 2, 224, 3, EVA + "mhist.md"),
}
"""What is added to, or stands beside, the figures above."""


def _joined() -> dict[str, dict[str, Any]]:
    cited = {key: dict(facts) for key, facts in FIRST.items()}
    for key, (*figures, source) in FURTHER.items():
        facts = cited.setdefault(key, {})
        facts |= {
            name: figure
            for name, figure in zip(("n_train", "n_classes", "image_size", "channels"), figures, strict=True)
            if figure is not None
        }
        facts["source"] = "; ".join(dict.fromkeys(filter(None, (facts.get("source"), source))))
    return cited


CITED = _joined()
"""Key → figures from a public source, and which. Sizes of test-only and unlisted sets stay blank."""
