"""Figures of data sets from public catalogues, papers and repositories: key → figures, and their source."""

from __future__ import annotations

from typing import Any

__all__ = ["CITED"]

TFDS = "TensorFlow Datasets catalogue: "
VTAB = "google-research/task_adaptation, data/*_test.py"
INFO = "MedMNIST/MedMNIST, medmnist/info.py"
BIO = "samuelstevens/biobench, docs/assets/preprint/main.tex"
BENCH = "torchgeo/torchgeo-bench, src/torchgeo_bench/datasets/"
EVA = "kaiko-ai/eva, docs/datasets/"
TORCHGEO = "torchgeo/torchgeo, docs/api/datasets/benchmark.csv"
NETWORKS = "three channels: the study feeds networks from ImageNet"
SCENES = f"beyondlh/awesome-remote-sensing-dataset, README.md; {NETWORKS}"
PLANET = "HardikMochi/Planet-Understanding-the-Amazon-from-Space, README.md"
SAT = "huggingface.co/datasets/jonathan-roberts1/SAT-6"
QUOTED = " (as others quote it)"
"""After a source of which only quotations were at hand, not the page itself."""

FIRST: dict[str, dict[str, Any]] = {
    "imagenet-1k": {"n_train": 1281167, "n_classes": 1000, "channels": 3, "source": TFDS + "imagenet2012"},
    "caltech-101": {"n_train": 3060, "n_classes": 102, "channels": 3, "source": TFDS + "caltech101"},
    "cifar-10": {"n_train": 50000, "n_classes": 10, "image_size": 32, "channels": 3, "source": TFDS + "cifar10"},
    "cifar-100": {"n_train": 50000, "n_classes": 100, "image_size": 32, "channels": 3, "source": TFDS + "cifar100"},
    "country211": {"n_train": 31650, "n_classes": 211, "source": "openai/CLIP, data/country211.md (150 a country)"},
    "kitti-distance": {"n_train": 6347, "channels": 3, "source": TFDS + "kitti"},
    "mnist": {"n_train": 60000, "n_classes": 10, "image_size": 28, "channels": 1, "source": TFDS + "mnist"},
    "rendered-sst2": {
        "n_train": 6920, "n_classes": 2, "channels": 3, "source": "torchvision, datasets/rendered_sst2.py",
    },
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
    "caltech-256": (None, 257, None, 3, "ultralytics/ultralytics, docs/en/datasets/classify/caltech256.md (with clutter)"),
    "fer2013": (28709, 7, 48, 1, "abhirup-ghosh/facial-expression-classifier-app, data/README.md"),
    "gtsrb": (39209, 43, None, 3, "surmenok/GTSRB, README.md; torchvision, datasets/gtsrb.py (RGB)"),
    "birdsnap": (47386, 500, None, 3, "jonathantcallahan/birdboy, birdsnap_content/readme.txt (49,829 images without 2,443)"),
    "cub-200-2011": (5994, 200, None, 3, TFDS + "caltech_birds2011"),
    "fgvc-aircraft": (6667, None, None, 3, "tllib-task-adaptation (all images)"),
    "nabirds": (23929, 555, None, 3, f"WangYuPeng1/G2DFE-Net, README.md; {NETWORKS}"),
    "stanford-dogs": (12000, 120, None, 3, TFDS + "stanford_dogs"),
    "df20": (None, 1604, None, 3, f"lindat.cz, Danish Fungi 2020; {NETWORKS}"),
    "df20-mini": (None, 182, None, 3, f"Picek et al.: Danish Fungi 2020, WACV 2022{QUOTED}; {NETWORKS}"),
    "fishnet": (75631, None, None, None, BIO),
    "fungiclef": (295938, 1604, None, 3, f"Picek et al.: FungiCLEF 2023{QUOTED}; samuelstevens/biobench, fungiclef/__init__.py"),
    "herbarium-2019": (34225, 683, None, 3, "visipedia/herbarium_comp, 2019/README_2019.md; samuelstevens/biobench, herbarium19/__init__.py"),
    "inaturalist-2021": (2686843, None, None, None, TFDS + "i_naturalist2021"),
    "iwildcam": (129809, 182, None, 3, "huggingface.co/datasets/emmilly/iwildcam-wilds-v2; p-lambda/wilds, iwildcam_dataset.py"),
    "kabr": (None, 8, None, 3, "huggingface.co/datasets/imageomics/KABR; samuelstevens/biobench, kabr/__init__.py"),
    "mammalnet": (None, 12, None, 3, "Vision-CAIR/MammalNet, README.md; samuelstevens/biobench, mammalnet/__init__.py"),
    "plankton": (None, None, None, 1, "samuelstevens/biobench, plankton/__init__.py (mono-channel)"),
    "plantnet-300k": (243916, None, None, 3, BIO),
    "dsprites-location": (None, 16, None, None, "google-research/task_adaptation, scripts/run_all_tasks.sh"),
    "dsprites-orientation": (None, 16, None, None, "google-research/task_adaptation, scripts/run_all_tasks.sh"),
    "aid": (None, None, 600, 3, "mlab-benchmark/modeldb, data/README.md"),
    "aid-multilabel": (None, None, 600, 3, f"Hua-YS/AID-Multilabel-Dataset, README.md; {NETWORKS}"),
    "brazilian-coffee-scenes": (None, None, None, 3, NETWORKS),
    "clrs": (None, None, 256, 3, f"lehaifeng/CLRS, README.md; {NETWORKS}"),
    "dfc15-multilabel": (None, None, 600, 3, f"Hua-YS/DFC15-Multilabel-Dataset, README.md; {NETWORKS}"),
    "mlrsnet": (None, 60, 256, 3, f"cugbrs/MLRSNet, README.md; {NETWORKS}"),
    "optimal-31": (None, None, None, 3, NETWORKS),
    "patternnet": (None, None, 256, 3, TORCHGEO),
    "planet": (None, None, 256, 3, PLANET),
    "planet-uas": (None, None, 256, 3, PLANET),
    "rsd46-whu": (None, 46, None, 3, "biasvariancelabs/aitlas, rsd46_whu.py"),
    "rsi-cb256": (None, None, 256, 3, "mlab-benchmark/modeldb, data/README.md"),
    "rsscn7": (None, None, 400, 3, SCENES),
    "siri-whu": (None, None, 200, 3, SCENES),
    "uc-merced-multilabel": (None, None, 256, 3, TORCHGEO + " (DLRSD Multilabel)"),
    "whu-rs19": (None, None, 600, 3, SCENES),
    "bigearthnet-19": (
        269695, 19, 120, 12,
        "huggingface.co/datasets/GFM-Bench/BigEarthNet; Sumbul et al.: BigEarthNet-MM, 2021" + QUOTED,
    ),
    "bigearthnet-43": (
        269695, 43, None, 12, BENCH + "m_bigearthnet.py; Sumbul et al.: BigEarthNet-MM, 2021" + QUOTED,
    ),
    "bigearthnet-v2": (None, 19, 120, 14, BENCH + "benv2.py; huggingface.co/papers/2407.03653 (1.2 km at 10 m)"),
    "brick-kiln": (15063, 2, 64, 13, BENCH + "m_brick_kiln.py; ServiceNow/geo-bench, brick_kiln.py"),
    "fmow": (None, 62, 224, 3, "p-lambda/wilds, fmow_dataset.py"),
    "forestnet": (6464, 12, 332, 6, BENCH + "m_forestnet.py; ServiceNow/geo-bench, forestnet.py"),
    "pv4ger": (11814, 2, 320, 3, BENCH + "m_pv4ger.py; ServiceNow/geo-bench, pv4ger.py"),
    "sat-6": (
        324000, 6, 28, 4,
        f"Machine-Learning-Tokyo/ELSI-DL-Bootcamp, README.md (405,000 images); {SAT} (81,000 for tests)",
    ),
    "so2sat": (None, 17, 32, 18, TFDS + "so2sat/all (8 bands of Sentinel-1, 10 of Sentinel-2)"),
    "treesatai": (4000, 15, 304, 19, BENCH + f"treesatai.py; {TORCHGEO} (aerial images)"),
    "bach": (268, 4, 1536, 3, EVA + "bach.md"),
    "breakhis": (1132, 4, 460, 3, EVA + "breakhis.md"),
    "camelyon17": (302436, None, None, 3, "Koh et al.: WILDS, ICML 2021" + QUOTED),
    "gleason-arvaniti": (15303, 4, 750, 3, EVA + "gleason_arvaniti.md"),
    "mhist": (2175, 2, 224, 3, EVA + "mhist.md"),
}  # fmt: skip
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
