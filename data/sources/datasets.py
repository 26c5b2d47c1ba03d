"""The target data sets of all studies, one row each, with a source for every figure.

`FACTS` holds what no raw table states: title, what is told apart, and our own classification (domain, and the
group of sets that must share a fold). `cited.CITED` holds figures from public catalogues and papers. Where a study's raw table
gives the whole training set's size or the classes, that comes first. Unknown is blank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..datasets import key, keys
from ..records import Dataset
from ..tables import TableEntry
from .cited import CITED
from .rawfile import number, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ENTRY", "FACTS", "GROUPS", "WHOLE", "rows"]

S, M, O, U = "single-label", "multi-label", "ordinal", "unknown"  # noqa: E741
FACTS: dict[str, tuple[str, str, str, str]] = {
    "imagenet-1k": ("ImageNet-1k", "natural", S, "objects"),
    "imagenet-real": ("ImageNet ReaL", "natural", M, "objects, relabelled validation images"),
    "imagenet-v2": ("ImageNetV2 matched frequency", "natural", S, "objects, newly collected test images"),
    "imagenet-sketch": ("ImageNet-Sketch", "natural", S, "objects in sketches"),
    "imagenet-a": ("ImageNet-A", "natural", S, "objects in images that fool a ResNet-50"),
    "imagenet-a-clean": ("ImageNet-A's classes of ImageNet-1k", "natural", S, "objects"),
    "imagenet-o": ("ImageNet-O", "natural", S, "objects outside ImageNet-1k's classes"),
    "imagenet-r": ("ImageNet-R", "natural", S, "objects in renditions"),
    "imagenet-r-clean": ("ImageNet-R's classes of ImageNet-1k", "natural", S, "objects"),
    "objectnet": ("ObjectNet", "natural", S, "objects in unusual poses and places"),
    "caltech-101": ("Caltech-101", "natural", S, "objects"),
    "caltech-256": ("Caltech-256", "natural", S, "objects"),
    "cifar-10": ("CIFAR-10", "natural", S, "objects"),
    "cifar-100": ("CIFAR-100", "natural", S, "objects"),
    "country211": ("Country211", "natural", S, "country of a photograph"),
    "dollar-street": ("Dollar Street", "natural", S, "household objects by income"),
    "fer2013": ("FER2013", "natural", S, "facial expressions"),
    "geode": ("GeoDE", "natural", S, "objects by region"),
    "gtsrb": ("German Traffic Sign Recognition Benchmark", "natural", S, "traffic signs"),
    "kitti-distance": ("KITTI, closest vehicle's distance", "natural", O, "binned distance"),
    "mnist": ("MNIST", "document", S, "handwritten digits"),
    "rendered-sst2": ("Rendered SST-2", "document", S, "sentiment of a rendered sentence"),
    "stl-10": ("STL-10", "natural", S, "objects"),
    "sun397": ("SUN397", "natural", S, "scenes"),
    "svhn": ("Street View House Numbers, cropped", "natural", S, "digits"),
    "ucf101": ("UCF101 frames", "natural", S, "human actions"),
    "voc-2007": ("Pascal VOC 2007", "natural", M, "objects"),
    "flickr30k": ("Flickr30k", "natural", U, "retrieval of images and captions"),
    "mscoco": ("MS COCO 2014, 5k test", "natural", U, "retrieval of images and captions"),
    "winogavil": ("WinoGAViL", "natural", U, "association of images and cues"),
    "cub-200-2011": ("Caltech-UCSD Birds 200, 2011", "fine-grained", S, "bird species"),
    "nabirds": ("NABirds", "fine-grained", S, "bird species, sexes and ages"),
    "stanford-dogs": ("Stanford Dogs", "fine-grained", S, "dog breeds"),
    "birdsnap": ("Birdsnap", "fine-grained", S, "bird species"),
    "stanford-cars": ("Stanford Cars", "fine-grained", S, "car models"),
    "dtd": ("Describable Textures", "texture", S, "textures"),
    "fgvc-aircraft": ("FGVC-Aircraft", "fine-grained", S, "aircraft variants"),
    "flowers-102": ("Oxford Flowers-102", "fine-grained", S, "flower species"),
    "food-101": ("Food-101", "fine-grained", S, "dishes"),
    "pets": ("Oxford-IIIT Pet", "fine-grained", S, "cat and dog breeds"),
    "beluga": ("Beluga ID 2022", "plants-animals", S, "individual whales"),
    "ecdysis-foundation": ("Ecdysis Foundation insects", "plants-animals", S, "insect species"),
    "fishnet": ("FishNet", "plants-animals", M, "presence of nine traits of fish"),
    "df20": ("Danish Fungi 2020", "plants-animals", S, "fungus species"),
    "df20-mini": ("Danish Fungi 2020, Mini", "plants-animals", S, "species of six genera of fungi"),
    "fungitastic": ("FungiTastic, closed set", "plants-animals", S, "fungus species"),
    "fungiclef": ("FungiCLEF 2023", "plants-animals", S, "fungus species, with unknown ones"),
    "herbarium-2019": ("Herbarium 2019", "plants-animals", S, "species of herbarium sheets"),
    "inaturalist-2021": ("iNaturalist 2021", "plants-animals", S, "species"),
    "iwildcam": ("iWildCam 2020, WILDS", "plants-animals", S, "animals before camera traps"),
    "kabr": ("Kenyan Animal Behavior Recognition", "plants-animals", S, "behaviour in drone video"),
    "mammalnet": ("MammalNet", "plants-animals", S, "behaviour of mammals in video"),
    "newt": ("Natural World Tasks", "plants-animals", S, "164 binary tasks"),
    "plankton": ("SYKE-plankton IFCB", "microscopy", S, "phytoplankton classes"),
    "plantnet-300k": ("Pl@ntNet-300K", "plants-animals", S, "plant species"),
    "clevr-count": ("CLEVR, count", "synthetic", O, "number of objects"),
    "clevr-distance": ("CLEVR, closest object's distance", "synthetic", O, "binned distance"),
    "dmlab": ("DMLab frames", "synthetic", S, "distance and kind of an object"),
    "dsprites-location": ("dSprites, x position", "synthetic", O, "binned position"),
    "dsprites-orientation": ("dSprites, orientation", "synthetic", O, "binned angle"),
    "smallnorb-azimuth": ("small NORB, azimuth", "synthetic", O, "camera azimuth of toys"),
    "smallnorb-elevation": ("small NORB, elevation", "synthetic", O, "camera elevation of toys"),
    "aid": ("AID", "remote-sensing", S, "aerial scenes"),
    "aid-multilabel": ("AID, multi-label", "remote-sensing", M, "objects in aerial scenes"),
    "bigearthnet-19": ("BigEarthNet, 19 labels", "remote-sensing", M, "land cover"),
    "bigearthnet-43": ("BigEarthNet, 43 labels", "remote-sensing", M, "land cover"),
    "bigearthnet-v2": ("BigEarthNet v2 (reBEN), 19 labels", "remote-sensing", M, "land cover"),
    "brick-kiln": ("Brick Kiln, GEO-Bench", "remote-sensing", S, "brick kiln or not"),
    "forestnet": ("ForestNet, GEO-Bench", "remote-sensing", S, "drivers of forest loss"),
    "pv4ger": ("PV4GER, GEO-Bench", "remote-sensing", S, "photovoltaic panel or not"),
    "treesatai": ("TreeSatAI, GEO-Bench-2", "remote-sensing", M, "tree genera and species"),
    "brazilian-coffee-scenes": ("Brazilian Coffee Scenes", "remote-sensing", S, "coffee or not"),
    "clrs": ("CLRS", "remote-sensing", S, "scenes"),
    "dfc15-multilabel": ("DFC15, multi-label", "remote-sensing", M, "objects in aerial images"),
    "eurosat": ("EuroSAT, RGB", "remote-sensing", S, "land use"),
    "fmow": ("Functional Map of the World, WILDS", "remote-sensing", S, "building and land use"),
    "mlrsnet": ("MLRSNet", "remote-sensing", M, "scene labels"),
    "optimal-31": ("OPTIMAL-31", "remote-sensing", S, "scenes"),
    "patternnet": ("PatternNet", "remote-sensing", S, "scenes"),
    "planet": ("Planet, fast.ai's sample", "remote-sensing", M, "weather and land use of the Amazon"),
    "planet-uas": ("Planet: Understanding the Amazon", "remote-sensing", M, "weather and land use"),
    "resisc45": ("NWPU-RESISC45", "remote-sensing", S, "scenes"),
    "rsd46-whu": ("RSD46-WHU", "remote-sensing", S, "scenes and objects"),
    "rsi-cb256": ("RSI-CB256", "remote-sensing", S, "scenes"),
    "rsscn7": ("RSSCN7", "remote-sensing", S, "scenes"),
    "sat-6": ("SAT-6", "remote-sensing", S, "land cover"),
    "siri-whu": ("SIRI-WHU", "remote-sensing", S, "scenes"),
    "so2sat": ("So2Sat LCZ42", "remote-sensing", S, "local climate zones"),
    "uc-merced": ("UC Merced Land Use", "remote-sensing", S, "land use"),
    "uc-merced-multilabel": ("UC Merced, multi-label", "remote-sensing", M, "objects in land-use images"),
    "whu-rs19": ("WHU-RS19", "remote-sensing", S, "scenes"),
    "bach": ("BACH, ICIAR 2018", "microscopy", S, "kinds of breast tissue and cancer"),
    "breakhis": ("BreakHis, 40 times magnified", "microscopy", S, "kinds of breast tumours"),
    "gleason-arvaniti": (
        "Gleason patterns, Arvaniti",
        "microscopy",
        O,
        "Gleason patterns of prostate tissue",
    ),
    "mhist": ("MHIST", "microscopy", S, "colorectal polyps"),
    "bloodmnist": ("BloodMNIST", "microscopy", S, "blood cells"),
    "breastmnist": ("BreastMNIST", "radiology", S, "malignancy in breast ultrasound"),
    "camelyon17": ("Camelyon17, WILDS", "microscopy", S, "tumour in lymph-node tissue"),
    "chestmnist": ("ChestMNIST", "radiology", M, "findings in chest X-rays"),
    "covidx-cxr2": ("COVIDx CXR-2", "radiology", S, "COVID-19 in chest X-rays"),
    "dermamnist": ("DermaMNIST", "dermatology", S, "pigmented skin lesions"),
    "diabetic-retinopathy": ("Kaggle Diabetic Retinopathy Detection", "radiology", O, "retinopathy grade"),
    "lidc": ("LIDC", "radiology", S, "lung nodules in CT"),
    "octmnist": ("OCTMNIST", "radiology", S, "retinal disease in OCT"),
    "organamnist": ("OrganAMNIST", "radiology", S, "organs in axial CT"),
    "organcmnist": ("OrganCMNIST", "radiology", S, "organs in coronal CT"),
    "organsmnist": ("OrganSMNIST", "radiology", S, "organs in sagittal CT"),
    "padchest": ("PadChest", "radiology", M, "findings in chest X-rays"),
    "patch-camelyon": ("PatchCamelyon", "microscopy", S, "tumour in lymph-node tissue"),
    "pathmnist": ("PathMNIST", "microscopy", S, "colorectal tissue"),
    "pneumoniamnist": ("PneumoniaMNIST", "radiology", S, "pneumonia in children's chest X-rays"),
    "retinamnist": ("RetinaMNIST", "radiology", O, "retinopathy grade in fundus images"),
    "tissuemnist": ("TissueMNIST", "microscopy", S, "kidney cortex cells"),
    "tuberculosis-chest-xray": ("Shenzhen and Montgomery", "radiology", S, "tuberculosis in chest X-rays"),
}
"""Key → title, domain, label type, task."""

GROUPS = {
    "imagenet": (
        "imagenet-1k", "imagenet-real", "imagenet-v2", "imagenet-sketch", "imagenet-a", "imagenet-a-clean",
        "imagenet-o", "imagenet-r", "imagenet-r-clean", "objectnet", "stanford-dogs", "stl-10",
    ),
    "aid": ("aid", "aid-multilabel"),
    "bigearthnet": ("bigearthnet-19", "bigearthnet-43", "bigearthnet-v2"),
    "birds": ("birdsnap", "cub-200-2011", "nabirds"),
    "caltech": ("caltech-101", "caltech-256"),
    "camelyon": ("camelyon17", "patch-camelyon"),
    "cifar": ("cifar-10", "cifar-100"),
    "clevr": ("clevr-count", "clevr-distance"),
    "coco-flickr": ("flickr30k", "mscoco"),
    "danish-fungi": ("df20", "df20-mini", "fungiclef", "fungitastic"),
    "dsprites": ("dsprites-location", "dsprites-orientation"),
    "inaturalist": ("inaturalist-2021", "newt"),
    "organmnist": ("organamnist", "organcmnist", "organsmnist"),
    "planet": ("planet", "planet-uas"),
    "retinopathy": ("diabetic-retinopathy", "retinamnist"),
    "smallnorb": ("smallnorb-azimuth", "smallnorb-elevation"),
    "uc-merced": ("uc-merced", "uc-merced-multilabel"),
}  # fmt: skip
"""Sets that share images, classes or their making; any other set is its own group."""

WHOLE = ("aitlas_arena_finetune", "medmnistplus_doerrich")
"""Raw studies whose n_train is the whole training set; that of others is a sample."""
PARTIAL = {("mieb_linear_probe", "Birdsnap")}
"""Raw study and set whose copy lacks classes of the set: 490 of Birdsnap's 500."""
SPLITS = {
    "flowers-102": "official test images; Cherti and Jitsev swap training and test",
    "pets": "official test images; fast.ai a random fifth (1,478 images)",
    "df20": "corrected: images of one observation on one side only",
    "df20-mini": "corrected: images of one observation on one side only",
    "eurosat": "differs: random, GEO-Bench's sample, or split by place",
    "planet": "a random fifth (200 images)",
    "sun397": "differs: ten official partitions, or random ones",
    "caltech-101": "differs by study: 30 images a class in training, or random",
}

ENTRY = TableEntry(
    table="datasets",
    record="Dataset",
    title="The target data sets of all studies",
    path="tensorflow/datasets, docs/catalog/*.md, and what the column `source` names",
    licence="facts only",
    citation="TensorFlow Datasets: a collection of ready-to-use datasets, https://www.tensorflow.org/datasets; and the studies",
    rows_are="data sets, each once whatever the studies call it",
    notes=(
        "Domain and group are our own classification. Eye images (fundus, OCT) and ultrasound count as radiology, toys on a turntable as synthetic.",
        "group: sets that share images, classes or their making (ImageNet's relatives, CIFAR, organs in three planes …) and must share a fold.",
        "n_train is the whole official training set; a smaller sample is a condition and stands in the observation. Blank where no source at hand states it, and for sets that are tests only.",
        "image_size is the shorter side where all images share it; MedMNIST's sets exist in four sizes, 28 to 224 pixels, and stay blank.",
        "source names the pages that state the figures of the row; a figure from a study's own table comes before a catalogue's. (as others quote it): only quotations of that page were at hand.",
        "MIEB's copy of Birdsnap holds 490 of its 500 species; the row counts the set's own.",
    ),
    built_by="archimeter.data.sources.datasets",
)


def rows(raw: Path) -> Iterator[Dataset]:
    """Yield every data set that a study evaluates, in the order of the keys.

    Args:
        raw: folder of raw files that holds `transfer/dataset_index.csv`.
    """
    stated = _stated(raw)
    groups = {dataset: group for group, members in GROUPS.items() for dataset in members}
    for dataset in keys():
        title, domain, labels, task = FACTS[dataset]
        cited, own = CITED.get(dataset, {}), stated.get(dataset, {})
        sources = [text for text in (own.get("source"), cited.get("source")) if text]
        yield Dataset.from_row(
            {
                **cited,
                **own,
                "dataset": dataset,
                "title": title,
                "group": groups.get(dataset, dataset),
                "domain": domain,
                "label_type": labels,
                "task": task,
                "split": SPLITS.get(dataset),
                "source": "; ".join(sources) or None,
            }
        )


def _stated(raw: Path) -> dict[str, dict[str, Any]]:
    """What the studies' own tables say: classes of any, training images where they are the whole set."""
    found: dict[str, dict[str, Any]] = {}
    for row in read_rows(raw / "transfer" / "dataset_index.csv"):
        facts = found.setdefault(key(row["dataset"]), {})
        size = row["n_train"] if row["source"] in WHOLE else ""
        classes = "" if (row["source"], row["dataset"]) in PARTIAL else row["n_classes"]
        for field, text in (("n_classes", classes), ("n_train", size)):
            if text and field not in facts:
                facts[field] = int(number(text) or 0)
                name = row["source"].replace("_", "-")
                facts["source"] = "; ".join(
                    dict.fromkeys([*facts.get("source", "").split("; "), name])
                ).strip("; ")
    return found
