"""Makes the goldens of quantised models: the checkpoints of make.py, their matrices cut into blocks of whole numbers as the
builder does it and as ONNX Runtime's own quantiser does, put back together, and run by transformers.

    pip install torch torchvision transformers tokenizers && python quantise.py
"""

import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from transformers import Glm4vImageProcessor

from make import chosen, draw, model_of

HERE = pathlib.Path(__file__).parent
# What is quantised: the decoder's matrices and the head at `bits`, the encoder's at 8.
TEXT = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj")
VISION = ("attn.qkv", "attn.proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
MERGER = ("merger.proj", "merger.gate_proj", "merger.up_proj", "merger.down_proj")


def cut(matrix, bits, size):
    """`[out, in]`, each row in blocks of `size`: the number furthest from zero becomes the most negative whole number."""
    out, width = matrix.shape
    half = 1 << (bits - 1)
    padded = torch.nn.functional.pad(matrix, (0, -width % size)).reshape(out, -1, size)
    least, most = padded.amin(-1, keepdim=True), padded.amax(-1, keepdim=True)
    furthest = torch.where(most.abs() > least.abs(), most, least)
    scale = furthest / -half
    by = torch.where(scale == 0, 0.0, 1.0 / scale)
    whole = torch.round((padded * by + half).clamp(0, 2 * half - 1))
    return ((whole - half) * scale).reshape(out, -1)[:, :width]


def quantise(model, bits, size):
    with torch.no_grad():
        for name, module in model.named_modules():
            if not isinstance(module, torch.nn.Linear):
                continue
            if "visual" in name and name.endswith(VISION + MERGER):
                module.weight.copy_(cut(module.weight, 8, size))
            elif "visual" not in name and (name.endswith(TEXT) or name == "lm_head"):
                # Where the head is the embedding table too, the table stays as it is: the host reads it.
                module.weight = torch.nn.Parameter(cut(module.weight, bits, size))
            else:
                raise AssertionError(f"{name} is neither kept nor quantised")


def main():
    tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))
    image = tokenizer.token_to_id("<|image|>")
    of = {name: rest for name, *rest in chosen()}
    rng = np.random.default_rng(8)
    arrays, cases = {}, []
    for variant, bits, size in [("untied", 8, 32), ("untied", 4, 32), ("untied", 4, 128), ("tied", 8, 64), ("tied", 4, 64)]:
        *shape, limits, _ = of[variant]
        picture = ["page", 300, 500]
        drawn = [torch.from_numpy(draw(*picture)).permute(2, 0, 1).contiguous()]
        made = Glm4vImageProcessor(size=limits)(drawn, return_tensors="pt", input_data_format="channels_first")
        pixels, grid = made["pixel_values"], made["image_grid_thw"]
        _, rows, columns = grid[0].tolist()
        ids = [*rng.integers(0, 300, 9), *[image] * (rows * columns // 4), *rng.integers(0, 300, 30)]
        ids = torch.tensor([[int(i) for i in ids]])
        given = dict(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=(ids == image).int(),
            pixel_values=pixels,
            image_grid_thw=grid,
        )
        asked = sorted({*range(0, ids.shape[1], 5), *range(ids.shape[1] - 3, ids.shape[1])})
        model, _ = model_of(tokenizer, variant, *shape)
        with torch.no_grad():
            plain = model(**given).logits[0].numpy()[asked]
            quantise(model, bits, size)
            model.model.rope_deltas = None
            logits = model(**given).logits[0].numpy()[asked]
        arrays[f"case{len(cases)}.plain"], arrays[f"case{len(cases)}.logits"] = plain, logits
        gap = np.abs(plain - logits)
        same = (plain.argmax(-1) == logits.argmax(-1)).mean()
        print(f"{variant}, {bits} bits, blocks of {size}: logits up to {np.abs(plain).max():.2f}; off by {gap.max():.3f} at most, "
              f"{np.sqrt((gap**2).mean()):.4f} on average; the likeliest token is the same in {same:.0%}")
        cases.append(
            dict(variant=variant, bits=bits, block=size, pictures=[picture], grids=grid.tolist(), ids=ids[0].tolist(),
                 seen=[], rows=asked, answer=[])
        )
    save_file(arrays, HERE / "quantised.safetensors")
    (HERE / "quantised.json").write_text(json.dumps(cases) + "\n")


main()
