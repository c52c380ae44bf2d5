"""Makes cases.json: what transformers' Glm4vImageProcessor on torchvision makes of pictures.

The pictures are drawn by integer arithmetic that ../tests/reference.rs repeats, so that only sizes and digests are kept.

    pip install torch torchvision transformers && python make.py
"""

import hashlib
import json
import pathlib

import numpy as np
import torch
from transformers import Glm4vImageProcessor
from transformers.models.glm4v.image_processing_glm4v import smart_resize
from torchvision.transforms.v2 import InterpolationMode, functional

REFERENCE = (112 * 112, 28 * 28 * 15000)
MINI = (112 * 112, 126_000)


def draw(kind, width, height):
    """[height, width, 3] bytes: `noise`, or edges and flat colours as a user interface has them (`page`)."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    y, x, c = (a.astype(np.uint64) for a in (y, x, c))
    scatter = lambda v: ((v * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)) >> np.uint64(24)
    if kind == "noise":
        return scatter((y * np.uint64(width) + x) * np.uint64(3) + c).astype(np.uint8)
    flat = scatter((y // np.uint64(23)) * np.uint64(64) + x // np.uint64(37) + c * np.uint64(7919))
    stroke = (x * np.uint64(7) + y * np.uint64(3)) % np.uint64(11) < np.uint64(2)
    written = (y // np.uint64(23)) % np.uint64(2) == 0
    return np.where(stroke & written, np.uint64(255) - flat, flat).astype(np.uint8)


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


cases = []
for kind, width, height, limits in [
    ("page", 540, 1200, MINI),
    ("noise", 540, 1200, MINI),
    ("page", 1080, 2400, MINI),
    ("page", 1080, 2400, REFERENCE),
    ("noise", 1080, 2400, (112 * 112, 5_000_000)),
    ("page", 1920, 1080, (112 * 112, 1_000_000)),
    ("noise", 37, 700, REFERENCE),
    ("page", 701, 43, REFERENCE),
    ("noise", 13, 9, REFERENCE),
    ("page", 5, 900, REFERENCE),
    ("noise", 333, 777, MINI),
    ("page", 168, 364, MINI),
    ("noise", 42, 70, (1, 126_000)),
    ("page", 3001, 61, (112 * 112, 50_000)),
]:
    picture = torch.from_numpy(draw(kind, width, height)).permute(2, 0, 1).contiguous()
    to_height, to_width = smart_resize(2, height, width, 2, 28, *limits)
    resized = functional.resize(
        picture, [to_height, to_width], interpolation=InterpolationMode.BICUBIC, antialias=True
    )
    processor = Glm4vImageProcessor(size={"shortest_edge": limits[0], "longest_edge": limits[1]})
    made = processor([picture], return_tensors="pt", input_data_format="channels_first")
    assert made["image_grid_thw"].tolist() == [[1, to_height // 14, to_width // 14]]
    cases.append(
        dict(
            kind=kind,
            size=[width, height],
            limits=list(limits),
            resized=[to_width, to_height],
            rgb=digest(resized.permute(1, 2, 0).numpy()),
            patches=digest(made["pixel_values"].numpy().astype("<f4")),
        )
    )

# Sizes alone are cheap: many of them, drawn at random.
rng = np.random.default_rng(1)
sizes = []
while len(sizes) < 300:
    width, height = (int(v) for v in np.exp(rng.uniform(np.log(3), np.log(4000), 2)))
    limits = [REFERENCE, MINI, (1, 126_000), (112 * 112, 5_000_000)][len(sizes) % 4]
    try:
        to_height, to_width = smart_resize(2, height, width, 2, 28, *limits)
        sizes.append([width, height, *limits, to_width, to_height])
    except ValueError:
        sizes.append([width, height, *limits, 0, 0])  # Refused.

lines = ",\n".join(json.dumps(case) for case in cases)
rows = ",\n".join(json.dumps(row) for row in sizes)
path = pathlib.Path(__file__).with_name("cases.json")
path.write_text(f'{{"pictures": [\n{lines}\n],\n"sizes": [\n{rows}\n]}}\n')
print(path, len(cases), "pictures,", len(sizes), "sizes,", sum(row[4] == 0 for row in sizes), "refused")
