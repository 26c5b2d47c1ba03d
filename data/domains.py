"""What people call the domains of images, and which of ours they mean."""

from __future__ import annotations

from .errors import close_matches
from .records import DOMAINS

__all__ = ["SYNONYMS", "domain_matches"]

SYNONYMS: dict[str, str] = {
    "natural": "photo photos photograph everyday general object objects scene scenes street faces imagenet",
    "fine-grained": "fine grained cars vehicles aircraft birds dogs cats pets breeds food products",
    "texture": "textures material materials surface surfaces fabric",
    "remote-sensing": "satellite aerial drone uav overhead earth earth-observation sentinel landsat landuse "
    "land-use land-cover landcover geospatial maps sar sensing",
    "microscopy": "medical histology histopathology pathology cell cells cytology tissue biopsy slides "
    "bacteria microscope blood malaria",
    "radiology": "medical xray x-ray x-rays ct mri mr ultrasound oct fundus retina mammography scans",
    "dermatology": "medical skin lesion lesions melanoma mole moles dermoscopy",
    "astronomy": "galaxy galaxies star stars telescope sky astro astrophysics space cosmos",
    "plants-animals": "plant plants leaf leaves crop crops agriculture weeds tree trees flowers "
    "animal animals wildlife camera-trap insect insects fish fungi mushroom species biology ecology nature",
    "document": "documents text ocr handwriting handwritten digits letters scans receipts forms invoices",
    "industrial": "industry defect defects manufacturing inspection factory machine parts anomaly pcb steel",
    "synthetic": "rendered render simulated simulation cgi game games toy toys generated",
}
"""Domain → the words for it, apart by blanks; a word may mean several."""


def domain_matches(word: str) -> list[str]:
    """Return the domains that `word` may mean, likeliest first: known words for them, else similar spellings.

    Case, blanks and underscores do not count; a phrase counts by its words ("skin lesions", "chest X-ray").
    """
    plain = "-".join(word.lower().replace("_", " ").split())
    said = {plain, plain.replace("-", ""), *plain.split("-")}
    meant = {domain: len(said & {domain, *words.split()}) for domain, words in SYNONYMS.items()}
    found = [domain for domain in sorted(meant, key=lambda d: -meant[d]) if meant[domain]]
    if found:
        return found
    words = {word: domain for domain, text in SYNONYMS.items() for word in text.split()}
    near = [*close_matches(plain, DOMAINS), *(words[hit] for hit in close_matches(plain, words))]
    return list(dict.fromkeys(near))
