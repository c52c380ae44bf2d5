"""Makes the goldens of the engine: what transformers computes with tiny checkpoints of each architecture that we build.

Two configurations are chosen, and a dozen are drawn at random: widths, heads, depths, biases, ties, limits of pictures. The
weights are drawn by integer arithmetic that ../src/engine/goldens.rs repeats, so that no checkpoint is kept; they have eight
bits each, so that bf16, f16 and f32 hold the same numbers.

    pip install torch torchvision transformers tokenizers && python make.py
"""

import json
import math
import pathlib
import random
import re

import numpy as np
import torch
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Glm4vConfig,
    Glm4vForConditionalGeneration,
    Glm4vImageProcessor,
    Glm46VConfig,
    Glm46VForConditionalGeneration,
    Glm46VImageProcessor,
    GlmOcrConfig,
    GlmOcrForConditionalGeneration,
    PreTrainedTokenizerFast,
)

HERE = pathlib.Path(__file__).parent
ANSWER = 200
KEPT = 8  # Rows of a prompt's logits, and of its pictures' features, that are written down.
TRIES = 36
U = np.uint64

ARCHITECTURES = {
    "glm4v": (Glm4vConfig, Glm4vForConditionalGeneration, Glm4vImageProcessor),
    "glm46v": (Glm46VConfig, Glm46VForConditionalGeneration, Glm46VImageProcessor),
    "glm_ocr": (GlmOcrConfig, GlmOcrForConditionalGeneration, Glm46VImageProcessor),
}

SPECIAL = (
    "<|endoftext|> [MASK] [gMASK] [sMASK] <sop> <eop> <|system|> <|user|> <|assistant|> <|observation|> "
    "<|begin_of_image|> <|end_of_image|> <|begin_of_video|> <|end_of_video|> <|image|> <|video|> "
    "<think> </think> <answer> </answer>"
).split()

SAID = [
    "Turn Wi-Fi on, then send “on my way” to Anna in Messages.",
    '{"current_app": "Settings"}',
    '<think>The switch is off, so I tap it.</think><answer>do(action="Tap", element=[853,127])</answer>',
    "打开设置,把亮度调到最高。",
    "  two  spaces,\n\nblank lines\tand a tab\n",
]


def make_tokenizer():
    """A byte-level BPE with GLM's special tokens and a few dozen merges."""
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+"
    )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    plain = [re.sub(r"</?\w+>", " ", text) for text in SAID]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(plain, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in SPECIAL])
    tokenizer.save(str(HERE / "tokenizer.json"))
    return tokenizer


def mixed(seed, count):
    """SplitMix64, `count` numbers from `seed`."""
    z = U(seed) + (np.arange(count, dtype=U) + U(1)) * U(0x9E3779B97F4A7C15)
    z = (z ^ (z >> U(30))) * U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U(27))) * U(0x94D049BB133111EB)
    return z ^ (z >> U(31))


def weight(name, shape):
    seed = 0xCBF29CE484222325
    for byte in name.encode():  # FNV-1a
        seed = ((seed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    byte = (mixed(seed, math.prod(shape)) >> U(56)).astype(np.int64)
    if len(shape) == 1 and "norm" in name and not name.endswith("bias"):
        return ((96 + byte // 4) / 128).astype(np.float32).reshape(shape)
    if len(shape) == 1:
        return ((byte - 128) / 1024).astype(np.float32).reshape(shape)
    fan_in = math.prod(shape[1:])
    scale = 2.0 ** -round(math.log2(106 * math.sqrt(fan_in)))
    return ((byte - 128) * scale).astype(np.float32).reshape(shape)


def draw(kind, width, height):
    """As in ../picture/goldens/make.py."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    y, x, c = (a.astype(U) for a in (y, x, c))
    scatter = lambda v: ((v * U(2654435761)) & U(0xFFFFFFFF)) >> U(24)
    if kind == "noise":
        return scatter((y * U(width) + x) * U(3) + c).astype(np.uint8)
    flat = scatter((y // U(23)) * U(64) + x // U(37) + c * U(7919))
    stroke = ((x * U(7) + y * U(3)) % U(11) < U(2)) & ((y // U(23)) % U(2) == 0)
    return np.where(stroke, U(255) - flat, flat).astype(np.uint8)


def chosen():
    """The two that other tests use as well: name, architecture, text, vision, tied, old form, limits, prompts."""
    text = dict(
        vocab_size=352,
        hidden_size=128,
        intermediate_size=160,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=2048,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": 10000.0,
            "partial_rotary_factor": 0.5,
            "mrope_section": [4, 6, 6],
        },
        pad_token_id=0,
    )
    vision = dict(depth=2, hidden_size=64, num_heads=1, out_hidden_size=128, intermediate_size=96, image_size=112)
    limits = dict(shortest_edge=112 * 112, longest_edge=126_000)
    yield "untied", "glm4v", text, vision, False, False, limits, [
        [],
        [("page", 300, 500)],
        [("noise", 448, 224), ("page", 610, 90)],
    ]
    rope = text["rope_parameters"] | dict(rope_theta=500000.0, partial_rotary_factor=1.0)
    text = text | dict(num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-6)
    text["rope_parameters"] = rope
    vision = vision | dict(depth=1, num_heads=2, image_size=196)
    yield "tied", "glm4v", text, vision, True, True, limits, [[("page", 540, 1200)]]


def drawn(dice, architecture, number):
    """A small configuration at random; limits and prompts take turns, so that each architecture meets each of them."""
    ocr = architecture == "glm_ocr"
    head = dice.choice([32, 64])
    heads = dice.randint(1, 4)
    width = 16 * dice.randint(3, 8) if ocr else head * heads
    factor = dice.choice([0.5, 1.0])
    angles = int(head * factor) // 2
    first, second = sorted(dice.sample(range(1, angles), 2))
    text = dict(
        vocab_size=352,
        hidden_size=width,
        intermediate_size=8 * dice.randint(6, 24),
        num_hidden_layers=dice.randint(1, 3),
        num_attention_heads=heads,
        num_key_value_heads=dice.choice([kv for kv in range(1, heads + 1) if heads % kv == 0]),
        max_position_embeddings=2048,
        rms_norm_eps=dice.choice([1e-5, 1e-6]),
        rope_parameters={
            "rope_type": "default",
            "rope_theta": dice.choice([10000.0, 500000.0]),
            "partial_rotary_factor": factor,
            "mrope_section": [first, second - first, angles - second],
        },
        pad_token_id=0,
    )
    if ocr:
        text["head_dim"] = head
    vision_heads = dice.randint(1, 3)
    vision = dict(
        depth=dice.randint(1, 3),
        hidden_size=vision_heads * dice.choice([16, 24, 32, 64]),
        num_heads=vision_heads,
        out_hidden_size=width,
        intermediate_size=8 * dice.randint(4, 16),
        image_size=14 * dice.randint(5, 24),
        rms_norm_eps=dice.choice([1e-5, 1e-6]),
        attention_bias=dice.choice([False, True]) if not ocr else number % 4 != 2,
    )
    token = 28 * 28 * 2  # What a token costs of the limits: pictures count twice, as if they were two frames.
    limits, prompts = [
        (dict(shortest_edge=112 * 112, longest_edge=13 * token), [[("page", 1080, 2400)], [("page", 33, 700), ("noise", 17, 19)]]),
        (None, [[("page", 210, 333), ("noise", 90, 61), ("page", 28, 28)]]),
        (dict(shortest_edge=40 * token, longest_edge=80 * token), [[("noise", 57, 41)], [("page", 901, 77), ("page", 100, 1000)]]),
        (dict(shortest_edge=112 * 112, longest_edge=28 * 28 * 15000), [[("page", 391, 205)], []]),
    ][number % 4]
    return f"{architecture}_{number}", architecture, text, vision, dice.random() < 0.5, number % 2 == 1, limits, prompts


def model_of(tokenizer, name, architecture, text, vision, tied, old):
    token = tokenizer.token_to_id
    configuration, model, _ = ARCHITECTURES[architecture]
    config = configuration(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=tied,
        image_token_id=token("<|image|>"),
        image_start_token_id=token("<|begin_of_image|>"),
        image_end_token_id=token("<|end_of_image|>"),
        video_start_token_id=token("<|begin_of_video|>"),
        video_end_token_id=token("<|end_of_video|>"),
        video_token_id=token("<|video|>"),
    )
    model = model(config).eval().float()
    shapes = {}
    with torch.no_grad():
        for tensor, parameter in model.named_parameters():
            shapes[tensor] = list(parameter.shape)
            parameter.copy_(torch.from_numpy(weight(tensor, parameter.shape)))
    form = json.loads(config.to_json_string())
    if old:  # As files looked before version 5 of transformers.
        rope = form["text_config"].pop("rope_parameters")
        form["text_config"]["rope_scaling"] = {"rope_type": "default", "mrope_section": rope["mrope_section"]}
        form["text_config"]["rope_theta"] = rope["rope_theta"]
        form["text_config"]["partial_rotary_factor"] = rope["partial_rotary_factor"]
        form["text_config"]["tie_word_embeddings"] = form.pop("tie_word_embeddings")
        form["vision_config"].pop("rope_parameters", None)
    (HERE / f"{name}.config.json").write_text(json.dumps(form, indent=1) + "\n")
    return model, shapes


def spread(count):
    """A few of so many rows: the first, the last, and some between."""
    return sorted({round(i * (count - 1) / (KEPT - 1)) for i in range(KEPT)}) if count else []


def computed(model, processor, image, pictures, rng):
    """What the model makes of a prompt: the case, its arrays, and how far the likeliest token is from the next."""
    ids = list(rng.integers(0, 300, 9))
    grid, given, arrays = None, {}, {}
    if pictures:
        pixels = [torch.from_numpy(draw(*p)).permute(2, 0, 1).contiguous() for p in pictures]
        made = processor(pixels, return_tensors="pt", input_data_format="channels_first")
        grid = made["image_grid_thw"]
        given = dict(pixel_values=made["pixel_values"], image_grid_thw=grid)
        for _, rows, columns in grid.tolist():
            ids += [image] * (rows * columns // 4) + list(rng.integers(0, 300, 11))
    ids = torch.tensor([[int(i) for i in ids]])
    kind = (ids == image).int()
    given |= dict(input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=kind)
    seen = []
    with torch.no_grad():
        positions = torch.arange(ids.shape[1])[:, None].expand(-1, 3)
        if pictures:
            features = torch.cat(list(model.model.get_image_features(given["pixel_values"], grid).pooler_output))
            seen = spread(len(features))
            arrays["features"] = features[seen].numpy()
            positions, _ = model.model.get_rope_index(ids, image_grid_thw=grid, mm_token_type_ids=kind)
            positions = positions[:, 0].T
        arrays["positions"] = np.ascontiguousarray(positions.numpy().astype(np.uint16))
        model.model.rope_deltas = None
        rows = spread(ids.shape[1])
        arrays["logits"] = model(**given).logits[0].numpy()[rows]
        model.model.rope_deltas = None
        said = model.generate(
            **given, max_new_tokens=ANSWER, min_new_tokens=ANSWER, do_sample=False, return_dict_in_generate=True,
            output_logits=True,
        )
        top = torch.stack(said.logits)[:, 0].topk(2).values
        margin = (top[:, 0] - top[:, 1]).min().item()
    answer = said.sequences[0, ids.shape[1] :].tolist()
    assert len(answer) == ANSWER
    case = dict(
        pictures=[list(p) for p in pictures],
        grids=grid.tolist() if pictures else [],
        ids=ids[0].tolist(),
        seen=seen,
        rows=rows,
        answer=answer,
    )
    return case, arrays, margin


def main():
    torch.set_num_threads(1)  # More only wait for each other at this size.
    tokenizer = make_tokenizer()
    image = tokenizer.token_to_id("<|image|>")
    rng = np.random.default_rng(4)
    dice = random.Random(20)
    arrays, cases, variants = {}, [], {}
    random_ones = [drawn(dice, architecture, number) for number in range(4) for architecture in ARCHITECTURES]
    for name, architecture, text, vision, tied, old, limits, prompts in [*chosen(), *random_ones]:
        model, shapes = model_of(tokenizer, name, architecture, text, vision, tied, old)
        processor = ARCHITECTURES[architecture][2]
        processor = processor(size=limits) if limits else processor()
        said = json.loads(processor.to_json_string()) if limits else None
        variants[name] = dict(architecture=architecture, shapes=shapes, processor=said)
        for pictures in prompts:
            best = None
            for attempt in range(TRIES):
                tried = computed(model, processor, image, pictures, rng)
                # A token that is hardly likelier than another says nothing, as logits may differ by 1e-4 in either; and the
                # same few for ever say little.
                differ = len(set(tried[0]["answer"]))
                if tried[2] > 3e-4 and (best is None or differ > len(set(best[0]["answer"]))):
                    best = tried
                if attempt >= TRIES // 3 and best or best and len(set(best[0]["answer"])) >= 10:
                    break
            assert best, f"{name}: {TRIES} prompts, and none that tells models apart"
            case, made, margin = best
            arrays |= {f"case{len(cases)}.{key}": value for key, value in made.items()}
            print(
                f"case{len(cases)} {name}: {len(case['ids'])} tokens, attempt {attempt}, margin {margin:.4f},",
                f"{len(set(case['answer']))} tokens differ, logits to {np.abs(made['logits']).max():.2f},",
                f"features to {np.abs(made.get('features', np.zeros(1))).max():.2f}", flush=True,
            )
            cases.append(dict(variant=name) | case)

    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=(HERE / "chat_template.jinja").read_text())
    talk = lambda *turns: [dict(role=role, content=content) for role, content in turns]
    show = lambda text: [dict(type="image"), dict(type="text", text=text)]
    chats = []
    for turns in [
        talk(("user", SAID[0])),
        talk(("system", SAID[4]), ("user", show(SAID[0] + "\n\n" + SAID[1]))),
        talk(("system", SAID[3]), ("user", SAID[0]), ("assistant", SAID[2]), ("user", show("\n" + SAID[1]))),
    ]:
        text = fast.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        ids = fast(text, add_special_tokens=False)["input_ids"]
        chats.append(dict(turns=turns, text=text, ids=ids))
    decoded = [[ids, fast.decode(ids)] for ids in [tokenizer.encode(text).ids for text in SAID]]

    save_file(arrays, HERE / "arrays.safetensors")
    line = lambda value: json.dumps(value, ensure_ascii=False)
    parts = [
        '"variants": {\n' + ",\n".join(f"{line(name)}: {line(variant)}" for name, variant in variants.items()) + "}",
        '"cases": [\n' + ",\n".join(line(case) for case in cases) + "]",
        f'"chats": {line(chats)}',
        f'"decoded": {line(decoded)}',
    ]
    (HERE / "cases.json").write_text("{" + ",\n".join(parts) + "}\n")


if __name__ == "__main__":
    main()
