"""One key for every target data set, whatever a study calls it.

A key names the images and their labels, not a study's conditions: a subset, a resolution or a number of shots
is a condition and stands in the observation. Two label sets on the same images are two data sets; so is a
sample that a study drew and evaluated by itself.
"""

from __future__ import annotations

from functools import cache

from .errors import UnknownNameError

__all__ = ["ALIASES", "key", "keys"]

ALIASES: dict[str, tuple[str, ...]] = {
    # ImageNet-1k and test sets with its classes
    "imagenet-1k": ("imagenet1k", "ImageNet 1k"),
    "imagenet-real": (),
    "imagenet-v2": ("ImageNet v2",),
    "imagenet-sketch": ("ImageNet Sketch",),
    "imagenet-a": ("ImageNet-A",),
    "imagenet-a-clean": (),
    "imagenet-o": ("ImageNet-O",),
    "imagenet-r": ("ImageNet-R",),
    "imagenet-r-clean": (),
    "objectnet": ("ObjectNet",),
    # natural images
    "caltech-101": ("caltech101", "Caltech-101"),
    "caltech-256": ("caltech256",),
    "cifar-10": ("cifar10", "CIFAR-10"),
    "cifar-100": ("cifar100", "CIFAR-100"),
    "country211": ("Country211",),
    "dollar-street": ("Dollar Street",),
    "fer2013": ("FER2013",),
    "geode": ("GeoDE",),
    "gtsrb": ("GTSRB",),
    "kitti-distance": ("KITTI-Dist", "KITTI Vehicle Distance"),
    "mnist": ("MNIST",),
    "rendered-sst2": ("Rendered SST2",),
    "stl-10": ("STL10", "STL-10"),
    "sun397": ("SUN397", "Sun397"),
    "svhn": ("SVHN",),
    "ucf101": ("UCF101",),
    "voc-2007": ("VOC2007", "Pascal VOC 2007"),
    # images and texts
    "flickr30k": ("Flickr",),
    "mscoco": ("MSCOCO",),
    "winogavil": ("WinoGAViL",),
    # fine-grained and texture
    "birdsnap": ("Birdsnap", "birds"),
    "cub-200-2011": ("CUB-200", "CUB200", "Caltech-UCSD Birds"),
    "nabirds": ("NABird", "NABirds"),
    "stanford-dogs": ("Stanford Dogs",),
    "stanford-cars": ("Stanford Cars", "cars"),
    "dtd": ("DTD", "Describable Textures"),
    "fgvc-aircraft": ("aircraft", "Aircraft", "FGVCAircraft", "FGVC Aircraft"),
    "flowers-102": (
        "flowers",
        "Flowers102",
        "Oxford Flowers-102",
        "OxfordFlowersClassification",
        "flowers_oversampling",  # the same images; the classes are oversampled in training
    ),
    "food-101": ("food", "Food-101", "Food101Classification"),
    "pets": ("Pets", "OxfordPets", "OxfordIIITPets", "Oxford-IIIT Pet"),
    # animals and plants
    "beluga": (),
    "ecdysis-foundation": ("ecdysis",),
    "df20": ("Danish Fungi 2020",),
    "df20-mini": ("DF20M", "Danish Fungi 2020 Mini"),
    "fishnet": (),
    "fungiclef": (),
    "fungitastic": (),
    "herbarium-2019": ("herbarium19",),
    "inaturalist-2021": ("inat21",),
    "iwildcam": ("iWildCam",),
    "kabr": (),
    "mammalnet": (),
    "newt": (),
    "plankton": (),
    "plantnet-300k": ("plantnet",),
    # synthetic
    "clevr-count": ("CLEVR Counts", "Clevr-Count"),
    "clevr-distance": ("CLEVR Distance", "Clevr-Dist"),
    "dmlab": ("DMLab",),
    "dsprites-location": ("dSpr-Loc",),
    "dsprites-orientation": ("dSpr-Orient",),
    "smallnorb-azimuth": ("sNORB-Azim",),
    "smallnorb-elevation": ("sNORB-Elev",),
    # remote sensing
    "aid": ("AID",),
    "aid-multilabel": ("AID (mlc)",),
    "bigearthnet-19": ("BigEarthNet 19",),
    "bigearthnet-43": ("BigEarthNet 43",),
    "bigearthnet-v2": ("benv2", "reBEN"),
    "brazilian-coffee-scenes": ("BCS",),
    "brick-kiln": ("m-brick-kiln",),
    "clrs": ("CLRS",),
    "dfc15-multilabel": ("DFC15",),
    "eurosat": ("EuroSAT", "Eurosat"),
    "fmow": ("FMoW",),
    "forestnet": ("m-forestnet",),
    "mlrsnet": ("MLRSNet",),
    "optimal-31": ("Optimal31",),
    "patternnet": ("PatternNet",),
    "planet": (),
    "planet-uas": ("Planet UAS",),
    "resisc45": ("RESISC45", "Resisc45"),
    "pv4ger": ("m-pv4ger",),
    "rsd46-whu": ("RSD46-WHU",),
    "rsi-cb256": ("RSI-CB256",),
    "rsscn7": ("RSSCN7",),
    "sat-6": ("SAT6",),
    "siri-whu": ("SIRI-WHU",),
    "so2sat": ("So2Sat",),
    "treesatai": (),
    "uc-merced": ("UC Merced",),
    "uc-merced-multilabel": ("UC Merced (mlc)",),
    "whu-rs19": ("WHU-RS19",),
    # medicine
    "bach": (),
    "bloodmnist": (),
    "breakhis": (),
    "breastmnist": (),
    "camelyon17": ("Camelyon17",),
    "chestmnist": (),
    "covidx-cxr2": ("covidx_cxr2",),
    "dermamnist": ("derma", "derma_pt", "derma_small", "derma_smallest"),
    "diabetic-retinopathy": ("Retinopathy",),
    "gleason-arvaniti": (),
    "lidc": ("lidc_small",),
    "mhist": (),
    "octmnist": (),
    "organamnist": (),
    "organcmnist": (),
    "organsmnist": (),
    "padchest": (),
    "patch-camelyon": ("PatchCamelyon", "Camelyon"),
    "pathmnist": ("NCT-CRC-HE",),
    "pneumoniamnist": ("pneumonia", "pneumonia_small"),
    "retinamnist": (),
    "tissuemnist": (),
    "tuberculosis-chest-xray": ("tuberculosis_full",),
}
"""Key → the names that the studies use, where they differ from the key by more than case and punctuation
or help a reader to find them."""


def keys() -> list[str]:
    """Return every data set's key, in the order of `ALIASES`."""
    return list(ALIASES)


def key(name: str) -> str:
    """Return the key of the data set that a study calls `name`; case, blanks and punctuation do not count.

    Raises:
        UnknownNameError: if no study's data set has that name; the message lists close matches.
    """
    found = _index().get(_plain(name))
    if found is None:
        raise UnknownNameError("data set", name, ALIASES, "`archimeter tables datasets` lists them.")
    return found


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


@cache
def _index() -> dict[str, str]:
    index: dict[str, str] = {}
    for dataset, aliases in ALIASES.items():
        for name in (dataset, *aliases):
            if index.setdefault(_plain(name), dataset) != dataset:
                raise ValueError(f"{name!r} names two data sets: {dataset} and {index[_plain(name)]}")
    return index
