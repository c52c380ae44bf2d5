"""Makes the goldens of the engine: what transformers' Glm4vForConditionalGeneration computes with two tiny checkpoints.

The weights are drawn by integer arithmetic that ../src/engine/goldens.rs repeats, so that no checkpoint is kept; they have
eight bits each, so that bf16, f16 and f32 hold the same numbers.

    pip install torch torchvision transformers tokenizers && python make.py
"""

import json
import math
import pathlib
import re

import numpy as np
import torch
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Glm4vConfig, Glm4vForConditionalGeneration, Glm4vImageProcessor, PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
ANSWER = 64
U = np.uint64

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


def model_of(tokenizer, variant):
    token = tokenizer.token_to_id
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
    if variant == "tied":
        text |= dict(num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-6)
        text["rope_parameters"] |= dict(rope_theta=500000.0, partial_rotary_factor=1.0)
        vision |= dict(depth=1, num_heads=2, image_size=196)
    config = Glm4vConfig(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=variant == "tied",
        image_token_id=token("<|image|>"),
        image_start_token_id=token("<|begin_of_image|>"),
        image_end_token_id=token("<|end_of_image|>"),
        video_start_token_id=token("<|begin_of_video|>"),
        video_end_token_id=token("<|end_of_video|>"),
        video_token_id=token("<|video|>"),
    )
    model = Glm4vForConditionalGeneration(config).eval().float()
    shapes = {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            shapes[name] = list(parameter.shape)
            parameter.copy_(torch.from_numpy(weight(name, parameter.shape)))
    form = json.loads(config.to_json_string())
    if variant == "tied":  # As files looked before version 5 of transformers.
        rope = form["text_config"].pop("rope_parameters")
        form["text_config"]["rope_scaling"] = {"rope_type": "default", "mrope_section": rope["mrope_section"]}
        form["text_config"]["rope_theta"] = rope["rope_theta"]
        form["text_config"]["partial_rotary_factor"] = rope["partial_rotary_factor"]
        form["text_config"]["tie_word_embeddings"] = form.pop("tie_word_embeddings")
        form["vision_config"].pop("rope_parameters", None)
    (HERE / f"{variant}.config.json").write_text(json.dumps(form, indent=1) + "\n")
    return model, shapes


def main():
    tokenizer = make_tokenizer()
    image = tokenizer.token_to_id("<|image|>")
    limits = dict(shortest_edge=112 * 112, longest_edge=126_000)
    rng = np.random.default_rng(4)
    arrays, cases, shapes = {}, [], {}
    for variant, prompts in {
        "untied": [[], [("page", 300, 500)], [("noise", 448, 224), ("page", 610, 90)]],
        "tied": [[("page", 540, 1200)]],
    }.items():
        model, shapes[variant] = model_of(tokenizer, variant)
        for pictures in prompts:
            ids = list(rng.integers(0, 300, 9))
            pixels, grid, features = None, None, None
            if pictures:
                drawn = [torch.from_numpy(draw(*p)).permute(2, 0, 1).contiguous() for p in pictures]
                made = Glm4vImageProcessor(size=limits)(drawn, return_tensors="pt", input_data_format="channels_first")
                pixels, grid = made["pixel_values"], made["image_grid_thw"]
                for _, rows, columns in grid.tolist():
                    ids += [image] * (rows * columns // 4) + list(rng.integers(0, 300, 11))
            ids = torch.tensor([[int(i) for i in ids]])
            kind = (ids == image).int()
            given = dict(input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=kind)
            name = f"case{len(cases)}"
            with torch.no_grad():
                if pictures:
                    given |= dict(pixel_values=pixels, image_grid_thw=grid)
                    features = model.model.get_image_features(pixels, grid).pooler_output
                    arrays[f"{name}.features"] = torch.cat(list(features)).numpy()
                    positions, _ = model.model.get_rope_index(ids, image_grid_thw=grid, mm_token_type_ids=kind)
                    positions = positions[:, 0].T
                else:
                    positions = torch.arange(ids.shape[1])[:, None].expand(-1, 3)
                arrays[f"{name}.positions"] = np.ascontiguousarray(positions.numpy().astype(np.int32))
                model.model.rope_deltas = None
                rows = sorted({*range(0, ids.shape[1], 5), *range(ids.shape[1] - 3, ids.shape[1])})
                logits = model(**given).logits[0].numpy()
                arrays[f"{name}.logits"] = logits[rows]
                model.model.rope_deltas = None
                said = model.generate(
                    **given, max_new_tokens=ANSWER, min_new_tokens=ANSWER, do_sample=False, return_dict_in_generate=True,
                    output_logits=True,
                )
                top = torch.stack(said.logits)[:, 0].topk(2).values
                margin = (top[:, 0] - top[:, 1]).min().item()
                assert margin > 1e-3, f"{name}: two tokens are almost equally likely ({margin}); draw another prompt"
            answer = said.sequences[0, ids.shape[1] :].tolist()
            assert len(answer) == ANSWER
            cases.append(
                dict(
                    variant=variant,
                    pictures=[list(p) for p in pictures],
                    grids=grid.tolist() if pictures else [],
                    ids=ids[0].tolist(),
                    rows=rows,
                    answer=answer,
                )
            )
            print(name, variant, ids.shape[1], "tokens, margin", margin, "scale", np.abs(logits).max(), answer[:8])

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
    whole = dict(limits=limits, cases=cases, chats=chats, decoded=decoded, shapes=shapes)
    lines = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in whole.items())
    (HERE / "cases.json").write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
