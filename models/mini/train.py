"""Trains the small model on the virtual phone.

    cargo build --release -p tapwright-mini-data
    python3 models/mini/train.py tokenizer            # once; writes tokenizer.json
    python3 models/mini/train.py check                # the batched vision tower equals transformers' own
    python3 models/mini/train.py vision --minutes 20  # the vision tower alone: what lies under each visual token
    python3 models/mini/train.py seek --minutes 10    # the language model alone: where on a screen of random words is this word
    python3 models/mini/train.py text --minutes 40    # and then on what a perfect tower would say of real ones
    python3 models/mini/train.py joint --minutes 40   # both together, on episodes' steps; without the other stages'
                                                      # checkpoints it goes on from the weights that export wrote
    python3 models/mini/train.py export               # fp16 safetensors and their config

Each stage goes on from its last checkpoint in --work and can be stopped at any time; vision and text are independent of each
other. Needs torch, transformers, tokenizers, safetensors. A GPU is used when there is one.

Why in stages: answers alone teach a model of this size to read very slowly. So every visual token is told what lies under its
28 by 28 pixels (word, icon, state, where a touch there lands), as a sum of vectors that are fixed from the start. The language
model learns on such sums at the same time; afterwards the two fit together, and the last stage trains them as one.
"""
import argparse, functools, json, math, os, queue, random, re, struct, subprocess, sys, threading, time

import torch
import torch.nn.functional as F
from transformers import Glm4vConfig, Glm4vForConditionalGeneration

HERE = os.path.dirname(os.path.abspath(__file__))
SPECIAL = ["<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>", "<|system|>", "<|user|>", "<|assistant|>",
           "<|observation|>", "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>", "<|image|>",
           "<|video|>", "<think>", "</think>", "<answer>", "</answer>"]
ICONS = ["", "Control", "Field", "Back", "Plus", "Check", "Send", "Star", "StarFull", "Bin", "Triangle", "Circle", "Square", "other"]
WIDTH, STATES, STD = 192, 7, 0.06
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
DEVIATION = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
HELD_OUT = 1 << 39  # seeds from here on are never trained on, nor measured by the smoke suite


def records(kind, first, count=None, binary=None):
    """Yields (record, picture bytes or None) from the generator."""
    binary = binary or os.environ.get("MINI_DATA", os.path.join(HERE, "../../target/release/tapwright-mini-data"))
    command = [binary, kind, str(first)] + ([str(count)] if count else [])
    child = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=1 << 20)
    try:
        while head := child.stdout.read(4):
            record = json.loads(child.stdout.read(struct.unpack("<I", head)[0]))
            yield record, None if kind == "texts" else child.stdout.read(3 * record["width"] * record["height"])
    finally:
        child.kill()


def make_tokenizer():
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    # Words keep their hyphens and times their colon, so that what can be read at a glance is one token.
    pattern = r" ?\d{1,2}:\d{2}| ?\p{L}+(?:[-']\p{L}+)*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()

    def corpus():
        for record, _ in records("texts", 0, 30000):
            for _, text in record["turns"]:
                yield text
            yield record["reply"].replace("<think>", "").replace("</think>", "\n").replace("<answer>", "")
            yield "".join(" " + cell[0] for cell in record["cells"] if cell[0].isascii())
    trainer = trainers.BpeTrainer(vocab_size=2048 - len(SPECIAL), min_frequency=8, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    tokenizer.save(os.path.join(HERE, "tokenizer.json"))
    print("tokens", tokenizer.get_vocab_size(), tokenizer.encode('do(action="Tap", element=[500,423]) Wi-Fi 07:30 Anna').tokens)


class Words:
    """The tokenizer and the template."""

    def __init__(self):
        from tokenizers import Tokenizer
        self.tokenizer = Tokenizer.from_file(os.path.join(HERE, "tokenizer.json"))
        self.size = self.tokenizer.get_vocab_size()
        self.id = {token: self.tokenizer.token_to_id(token) for token in SPECIAL}
        self.cache = {}
        tokens = [self.tokenizer.id_to_token(i) for i in range(self.size)]
        self.pool_ids = [i for i, token in enumerate(tokens) if re.fullmatch("Ġ[A-Za-z]{3,}", token)]
        self.bare_ids = [i for i, token in enumerate(tokens) if re.fullmatch("[A-Za-z]{3,}", token)]
        self.pool = [tokens[i][1:] for i in self.pool_ids]

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def word(self, word):
        """The token that stands for a word on the screen; 0 is none."""
        if word not in self.cache:
            ids = self.encode(" " + word) if word else [0]
            self.cache[word] = ids[0] if len(ids) == 1 else 0
        return self.cache[word]

    def number(self, number):
        if number not in self.cache:
            ids = self.encode(str(number))
            self.cache[number] = ids[0] if len(ids) == 1 else 0
        return self.cache[number]

    def prompt(self, turns, tokens):
        """Token ids up to the reply: what chat_template.jinja renders."""
        text = "[gMASK]<sop>"
        for i, (role, said) in enumerate(turns):
            picture = "<|begin_of_image|>" + "<|image|>" * tokens + "<|end_of_image|>" if i == len(turns) - 1 else ""
            text += f"<|{role}|>\n{picture}{said}"
        return self.encode(text + "<|assistant|>\n")


def disguise(record, words, dice, names):
    """The same step with other words: what is to be written, and (on what a perfect tower says) whom or when it is about.

    There are few names and phrases, and a small model would rather know them by heart than learn to copy what it is told.
    """
    swap = {text: " ".join(dice.choice(words.pool) for _ in text.split()) for text in record["texts"]}
    if names:
        goal = record["turns"][0][1].split("\n\n{")[0]
        swap.update((name, dice.choice(words.pool)) for name in record["names"] if re.search(rf"(?<!\w){re.escape(name)}\b", goal))
    # Whole words only, longer ones first: a name may be part of a text.
    either = "|".join(re.escape(old) for old in sorted(swap, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?:{either})(?![^\W\d])") if either else None
    put = lambda text: pattern.sub(lambda found: swap[found[0]], text) if pattern else text
    return dict(record, turns=[(role, put(text)) for role, text in record["turns"]], reply=put(record["reply"]),
                cells=[[swap.get(cell[0], cell[0])] + cell[1:] for cell in record["cells"]])


def recalls(words, count, length, dice):
    """Random words in which quoted phrases come back behind the word that they stood behind, at any distance.

    Returns ids and labels `[count, length]`; only what comes back is asked for. Nothing helps here but looking it up.
    """
    ids, labels = [], []
    opening, closing, recalling = words.encode(' "')[0], words.encode('"')[0], words.encode('="')[0]
    for _ in range(count):
        row, asked, known = [], [], []
        while len(row) < length:
            if known and dice.random() < 0.5:
                key, phrase = dice.choice(known)
                row += [key, recalling] + phrase + [closing]
                asked += [-100, -100] + phrase + [closing]
            else:
                more = [dice.choice(words.pool_ids) for _ in range(dice.randint(1, 12))]
                phrase = [dice.choice(words.bare_ids)] + [dice.choice(words.pool_ids) for _ in range(dice.randint(0, 4))]
                known.append((more[-1], phrase))
                row += more + [opening] + phrase + [closing]
                asked += [-100] * (len(more) + len(phrase) + 2)
        ids.append(row[:length]), labels.append(asked[:length])
    return torch.tensor(ids), torch.tensor(labels)


def finds(words, meaning, count, dice, down=13, across=6, most=26):
    """Screens of random words at random places, and then the words again, each followed by how far down it was, as in `quiz`.
    Nothing stands between the two, so that one look is enough: a lookup in two steps is learned a hundred times more slowly.

    Returns ids, labels, positions and what a perfect tower says of the cells. On the phone's own screens most things stand where they
    always stand, and a small model learns that by heart long before it learns to look; here nothing helps but looking.
    """
    pool, numbers = meaning.word_classes[1:].tolist(), meaning.number_classes[1:].tolist()
    rows = [words.number(round(1000 * (2 * row + 1) / (2 * down))) for row in range(down)]
    image = words.id["<|image|>"]
    ids, labels, screens = [], [], []
    for _ in range(count):
        cells = [[0, 0, 0, 0, 0] for _ in range(down * across)]
        shown = dice.sample(pool, most)
        places = {}
        for word in shown:
            # A word lies over one, two or three cells of a row, as words on screens do.
            wide, row = dice.randint(1, 3), dice.randrange(down)
            place = dice.choice(rows if dice.random() < 0.8 else numbers)
            left = dice.randrange(across - wide + 1)
            spot = [row * across + left + i for i in range(wide)]
            if any(cells[i][0] for i in spot):
                continue
            places[word] = place
            for i in spot:
                cells[i] = [word, dice.choice([0, 0, 0, 1, 2]), dice.choice([0, 0, 1, 2]), dice.choice(numbers), place]
        asked = list(places.items())
        dice.shuffle(asked)
        quiz = [token for word, place in asked for token in (word, place)] + [0] * (2 * (most - len(asked)))
        ids.append([image] * (down * across) + quiz)
        labels.append([-100] * (down * across) + [token if i % 2 and i < 2 * len(asked) else -100 for i, token in enumerate(quiz)])
        screens.append(cells)
    axes = torch.tensor(positions(ids[0], image, down, across)).T[:, None].expand(3, count, -1)
    return torch.tensor(ids), torch.tensor(labels), axes, meaning.vectors(torch.tensor(screens).flatten(0, 1).to(meaning.words.device))


def configuration(words):
    ids = words.id
    return Glm4vConfig(
        text_config=dict(
            vocab_size=words.size, hidden_size=WIDTH, intermediate_size=512, num_hidden_layers=4, num_attention_heads=3,
            num_key_value_heads=1, head_dim=64, max_position_embeddings=2048, pad_token_id=ids["<|endoftext|>"],
            rms_norm_eps=1e-5, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=10000.0, mrope_section=[4, 6, 6], partial_rotary_factor=0.5)),
        vision_config=dict(
            depth=4, hidden_size=192, num_heads=3, intermediate_size=384, out_hidden_size=WIDTH, patch_size=14,
            spatial_merge_size=2, temporal_patch_size=2, image_size=336),
        image_token_id=ids["<|image|>"], video_token_id=ids["<|video|>"], image_start_token_id=ids["<|begin_of_image|>"],
        image_end_token_id=ids["<|end_of_image|>"], video_start_token_id=ids["<|begin_of_video|>"],
        video_end_token_id=ids["<|end_of_video|>"], tie_word_embeddings=True)


class Meaning(torch.nn.Module):
    """The fixed vectors that say what lies under a visual token."""

    def __init__(self, words, embedding):
        super().__init__()
        dice = torch.Generator().manual_seed(5)
        vectors = lambda rows: torch.randn(rows, WIDTH, generator=dice) * STD
        icons, states = vectors(len(ICONS)), vectors(STATES)
        icons[0], states[0] = 0, 0
        table = embedding.detach().clone()
        table[0] = 0
        turn = lambda: torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=dice))[0]
        # Only what can stand for a word or a number need be told apart; class 0 is none.
        tokens = [words.tokenizer.id_to_token(i) for i in range(words.size)]
        is_word, is_number = (lambda t: len(t) > 1 and t[0] == "Ġ"), (lambda t: t.isascii() and t.isdigit())
        for name, wanted in dict(word_classes=is_word, number_classes=is_number).items():
            classes = torch.tensor([0] + [i for i, t in enumerate(tokens) if i and wanted(t)])
            index = torch.zeros(words.size, dtype=torch.long)
            index[classes] = torch.arange(len(classes))
            self.register_buffer(name, classes), self.register_buffer(name + "_index", index)
        for name, value in dict(words=table, icons=icons, states=states, across=table @ turn(), down=table @ turn()).items():
            self.register_buffer(name, value)
        self.scale = torch.nn.Parameter(torch.full((5,), 30.0))
        self.none = torch.nn.Parameter(torch.zeros(3))

    def parts(self):
        return [self.words, self.icons, self.states, self.across, self.down]

    def vectors(self, cells):
        """`cells: [..., 5]` ids -> `[..., WIDTH]`."""
        return sum(table[cells[..., i]] for i, table in enumerate(self.parts()))

    def loss(self, features, cells):
        total, right = F.mse_loss(features, self.vectors(cells)) * 60, []
        for i, table in enumerate(self.parts()):
            target = cells[:, i]
            if i not in (1, 2):
                classes, index = ((self.word_classes, self.word_classes_index) if i == 0 else
                                  (self.number_classes, self.number_classes_index))
                table, target = table[classes], index[target]
            logits = self.scale[i] * features @ table.T
            if i < 3:
                logits = torch.cat([logits[:, :1] + self.none[i], logits[:, 1:]], 1)
                weight = torch.where(target > 0, 1.0, 0.12)
            else:
                weight = (target > 0).float()
            each = F.cross_entropy(logits, target, reduction="none")
            total = total + (each * weight).sum() / weight.sum().clamp(min=1) * (1.0 if i == 0 else 0.4)
            seen = target > 0
            right.append((logits.argmax(-1) == target)[seen].float().mean().item() if seen.any() else 1.0)
        return total, right


def cell_ids(record, words):
    icon = lambda name: ICONS.index(name) if name in ICONS else len(ICONS) - 1
    number = lambda value: words.number(value) if value >= 0 else 0
    return [[words.word(w), icon(i), s, number(x), number(y)] for w, i, s, x, y in record["cells"]]


def patches(pictures, width, height):
    """`[B, 3*w*h]` bytes -> `[B*patches, 588]`: one frame, in the order of Glm4vImageProcessor."""
    batch, down, across = pictures.shape[0], height // 14, width // 14
    pixels = pictures.view(batch, height, width, 3).permute(0, 3, 1, 2).float() / 255
    pixels = (pixels - MEAN.to(pixels.device)) / DEVIATION.to(pixels.device)
    pixels = pixels.view(batch, 3, down // 2, 2, 14, across // 2, 2, 14).permute(0, 2, 5, 3, 6, 1, 4, 7)
    return pixels.reshape(batch * down * across, -1)


def positions(ids, image, down, across):
    """The three axes of each token's position, as transformers' get_rope_index."""
    axes, at, i = [], 0, 0
    while i < len(ids):
        if ids[i] != image:
            axes.append((at, at, at))
            at, i = at + 1, i + 1
        else:
            axes += [(at, at + y, at + x) for y in range(down) for x in range(across)]
            at, i = at + max(down, across), i + down * across
    return axes


def batches(kind, first, size, words, device):
    """Batches made ahead of need on a thread."""
    ready, dice = queue.Queue(4), random.Random(first)

    def fill():
        source = records(kind, first)
        while True:
            batch = [next(source) for _ in range(size)]
            if kind != "screens" and first < HELD_OUT:
                batch = [(disguise(record, words, dice, kind == "texts") if dice.random() < 0.4 else record, picture)
                         for record, picture in batch]
            ready.put(collate(batch, words))
    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield {name: value.to(device) if torch.is_tensor(value) else value for name, value in ready.get().items()}


def collate(batch, words):
    width, height = batch[0][0]["width"], batch[0][0]["height"]
    down, across = height // 28, width // 28
    made = dict(width=width, height=height, cells=torch.tensor([cell_ids(record, words) for record, _ in batch]))
    if batch[0][1] is not None:
        made["pictures"] = torch.stack([torch.frombuffer(bytearray(picture), dtype=torch.uint8) for _, picture in batch])
    if batch[0][0]["turns"]:
        prompts = [words.prompt(record["turns"], down * across) for record, _ in batch]
        replies = [words.encode(record["reply"] + "</answer>") for record, _ in batch]
        quizzes = [quiz(cells, words) for cells in made["cells"].tolist()]
        longest = max(len(p) + len(r) + len(q) for p, r, (q, _) in zip(prompts, replies, quizzes))
        longest = -(-longest // 32) * 32  # Few lengths: what multiplies matrices prepares itself for each anew.
        pad = lambda row, filler: row + [filler] * (longest - len(row))
        unasked = lambda row: [-100] * len(row)
        parts = [(p, r, q) for p, r, (q, _) in zip(prompts, replies, quizzes)]
        made["ids"] = torch.tensor([pad(p + r + q, words.id["<|endoftext|>"]) for p, r, q in parts])
        made["labels"] = torch.tensor([pad(unasked(p) + r, -100) for p, r, _ in parts])
        made["places"] = torch.tensor([pad(unasked(p + r) + asked, -100) for (p, r, _), (_, asked) in zip(parts, quizzes)])
        axes = [positions(ids, words.id["<|image|>"], down, across) for ids in made["ids"].tolist()]
        made["positions"] = torch.tensor(axes).permute(2, 0, 1).contiguous()
    return made


def quiz(cells, words, most=10):
    """Words of a screen, each followed by how far down a touch on it would be and, of a switch, by how it is, as in `Wi-Fi423: on`;
    ids, and which of them are asked for. Stands behind the reply, so it changes nothing that comes before, and teaches to find things
    far faster than one touch a step does."""
    seen = {}
    for word, _, state, _, down in cells:
        if word and down:
            seen[word] = (0, 0) if seen.get(word, (down, state))[0] != down else (down, state)
    found = [(word, down, state) for word, (down, state) in seen.items() if down]
    random.shuffle(found)
    said, asked = [], []
    colon, (on, off) = words.encode(":")[0], (words.encode(" on")[0], words.encode(" off")[0])
    for word, down, state in found[:most]:
        said += [word, down]
        asked += [-100, down]
        if state in (1, 2):
            said += [colon, on if state == 1 else off]
            asked += [-100, said[-1]]
    return said, asked


def see(model, batch):
    """`[B*cells, WIDTH]` visual tokens: what `model.model.visual` computes, written for many pictures of one size.

    Its convolutions are matrices here, both frames of a picture are added up first, and all pictures are attended to at once:
    on a CPU that is twice as fast. `check` compares the two.
    """
    visual, pictures = model.model.visual, batch["pictures"]
    down, across, count = batch["height"] // 14, batch["width"] // 14, pictures.shape[0]
    filters = visual.patch_embed.proj.weight
    hidden = F.linear(patches(pictures, batch["width"], batch["height"]), filters.sum(2).flatten(1), visual.patch_embed.proj.bias)
    hidden = visual.post_conv_layernorm(hidden).view(count, down * across, -1)
    spread, angles = spots(
        down, across, visual.config.image_size // visual.config.patch_size, visual.config.hidden_size // visual.config.num_heads,
        pictures.device)
    hidden = hidden + spread @ visual.embeddings.position_embedding.weight
    cosine, sine = angles.cos(), angles.sin()
    turn = lambda x: x * cosine + torch.cat([-x[..., x.shape[-1] // 2:], x[..., :x.shape[-1] // 2]], -1) * sine
    for block in visual.blocks:
        heads = block.attn.num_heads
        query, key, value = block.attn.qkv(block.norm1(hidden)).view(count, down * across, 3, heads, -1).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(turn(query).to(value.dtype), turn(key).to(value.dtype), value)
        hidden = hidden + block.attn.proj(seen.transpose(1, 2).flatten(2))
        hidden = hidden + block.mlp(block.norm2(hidden))
    hidden = visual.post_layernorm(hidden).view(count * down * across // 4, 2, 2, -1)
    merged = F.linear(hidden.permute(0, 3, 1, 2).flatten(1), visual.downsample.weight.flatten(1), visual.downsample.bias)
    return visual.merger(merged)


@functools.cache
def spots(down, across, side, head, device):
    """How the `side * side` learned positions spread over the patches, and the angles of their rotation, in the patches' order."""

    def taps(count):
        at = (torch.arange(count) + 0.5) / count * side - 0.5
        share, whole, spread = at - at.floor(), at.floor().long(), torch.zeros(count, side)
        near, far = lambda t: (1.25 * t - 2.25) * t * t + 1, lambda t: ((-0.75 * t + 3.75) * t - 6) * t + 3
        for i, weight in enumerate([far(share + 1), near(share), near(1 - share), far(2 - share)]):
            spread.scatter_add_(1, (whole + i - 1).clamp(0, side - 1)[:, None], weight[:, None])
        return spread
    y, x = torch.meshgrid(torch.arange(down), torch.arange(across), indexing="ij")
    order = lambda grid: grid.reshape(down // 2, 2, across // 2, 2).transpose(1, 2).flatten()
    y, x = order(y), order(x)
    spread = (taps(down)[y][:, :, None] * taps(across)[x][:, None, :]).flatten(1)
    inverse = 10000.0 ** -(torch.arange(0, head // 2, 2) / (head // 2))
    angles = torch.cat([y[:, None] * inverse, x[:, None] * inverse], 1)
    return spread.to(device), torch.cat([angles, angles], 1).to(device)


def check(words):
    """Whether `see` and transformers' own tower agree."""
    model, _ = start(words)
    batch = collate(list(records("screens", HELD_OUT, 3)), words)
    small = patches(batch["pictures"], batch["width"], batch["height"]).view(-1, 3, 1, 14, 14).expand(-1, -1, 2, -1, -1)
    grid = torch.tensor([[1, batch["height"] // 14, batch["width"] // 14]] * 3)
    out = model.model.visual(small.reshape(len(small), -1), grid_thw=grid)
    out = out.pooler_output if hasattr(out, "pooler_output") else out
    out = torch.cat(list(out)) if isinstance(out, (list, tuple)) else out
    print("greatest difference", (see(model, batch) - out).abs().max().item(), "of values up to", out.abs().max().item())


def answer(model, words, batch, features):
    """Loss, share of right tokens, share of replies with every token right, share of places found."""
    embeds = model.model.language_model.embed_tokens(batch["ids"])
    embeds = embeds.masked_scatter((batch["ids"] == words.id["<|image|>"])[..., None], features.to(embeds.dtype))
    hidden = model.model.language_model(inputs_embeds=embeds, position_ids=batch["positions"]).last_hidden_state
    loss, figures = 0, []
    for name, weight in (("labels", 1.0), ("places", 0.5)):
        wanted = batch[name][:, 1:]
        known = wanted != -100
        logits = model.lm_head(hidden[:, :-1][known])
        loss = loss + weight * F.cross_entropy(logits, wanted[known])
        right = torch.ones_like(known)
        right[known] = logits.argmax(-1) == wanted[known]
        figures += [right[known].float().mean().item(), right.all(1).float().mean().item()]
    return loss, figures[0], figures[1], figures[2]


def start(words):
    torch.manual_seed(1)
    model = Glm4vForConditionalGeneration(configuration(words)).float()
    with torch.no_grad():
        # Patch filters begin with zero mean: a screen is mostly one colour.
        filters = model.model.visual.patch_embed.proj.weight
        filters.normal_(0, 0.05)
        filters.sub_(filters.mean(dim=(1, 2, 3, 4), keepdim=True))
        model.model.language_model.embed_tokens.weight.normal_(0, STD, generator=torch.Generator().manual_seed(3))
    model.tie_weights()
    return model, Meaning(words, model.model.language_model.embed_tokens.weight)


def save(path, value):
    torch.save(value, path + ".new")
    os.replace(path + ".new", path)


def train(stage, options):
    words, device = Words(), options.device
    model, meaning = start(words)
    model.to(device), meaning.to(device)
    path = os.path.join(options.work, f"{stage}.pt")
    state = torch.load(path, map_location=device) if os.path.exists(path) else None
    seek_path = os.path.join(options.work, "seek.pt")
    if state:
        model.load_state_dict(state["model"]), meaning.load_state_dict(state["meaning"], strict=False)
    elif stage == "text" and os.path.exists(seek_path):
        model.load_state_dict(torch.load(seek_path, map_location=device)["model"])
    elif stage == "joint" and not os.path.exists(os.path.join(options.work, "text.pt")):
        # On another machine: from the weights that export wrote.
        from safetensors.torch import load_file
        model.load_state_dict(load_file(os.path.join(HERE, "model.safetensors")), strict=False)
        model.tie_weights()
    elif stage == "joint":
        vision, text = (torch.load(os.path.join(options.work, f"{name}.pt"), map_location=device) for name in ("vision", "text"))
        model.load_state_dict(text["model"]), meaning.load_state_dict(vision["meaning"])
        model.model.visual.load_state_dict({name.removeprefix("model.visual."): value for name, value in vision["model"].items()
                                            if name.startswith("model.visual.")})
    trained = {"vision": list(model.model.visual.parameters()) + [meaning.scale, meaning.none],
               "text": list(model.model.language_model.parameters()), "seek": list(model.model.language_model.parameters()),
               "joint": list(model.parameters()) + [meaning.scale, meaning.none]}[stage]
    if stage in ("text", "seek"):
        # The embedding is what the vision tower learns to speak meanwhile: it stays as it is until they meet.
        model.model.language_model.embed_tokens.weight.requires_grad_(False)
        trained = [parameter for parameter in trained if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=options.rate, weight_decay=0.01, betas=(0.9, 0.98))
    spent, step = (state["spent"], state["step"]) if state else (0.0, 0)
    if state:
        optimizer.load_state_dict(state["optimizer"])
    kind = {"vision": "screens", "text": "texts", "seek": "texts", "joint": "steps"}[stage]
    first = options.first + step * options.batch
    source, held = batches(kind, first, options.batch, words, device), batches(kind, HELD_OUT, 64, words, device)
    kept = next(held)
    print(stage, "parameters", sum(p.numel() for p in model.parameters()), "from", spent / 60, "min, step", step, flush=True)
    begun, last_save, figures = time.time(), time.time(), []
    while (now := spent + time.time() - begun) < 60 * options.minutes:
        fraction = now / (60 * options.minutes)
        rate = options.rate * min(1, (step + 1) / 100) * (0.5 * (1 + math.cos(math.pi * fraction)) + 0.02)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=options.bf16):
            figures.append(advance(stage, model, meaning, words, next(source)))
        loss = figures[-1].pop("loss")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step(), optimizer.zero_grad(set_to_none=True)
        figures[-1]["loss"] = loss.item()
        step += 1
        if step % 50 == 0:
            mean = {name: sum(f[name] for f in figures) / len(figures) for name in figures[0]}
            print(f"{stage} {now:.0f} s step {step} {step * options.batch / now:.1f}/s",
                  " ".join(f"{name} {value:.3f}" for name, value in mean.items()), flush=True)
            figures = []
        if step % 500 == 0:
            with torch.no_grad():
                measured = advance(stage, model.eval(), meaning, words, kept)
                model.train()
            print("  held out:", " ".join(f"{name} {float(value):.3f}" for name, value in measured.items()), flush=True)
        if time.time() - last_save > 120:
            last_save = time.time()
            save(path, dict(model=model.state_dict(), meaning=meaning.state_dict(), optimizer=optimizer.state_dict(),
                            spent=spent + last_save - begun, step=step))
    save(path, dict(model=model.state_dict(), meaning=meaning.state_dict(), optimizer=optimizer.state_dict(),
                    spent=spent + time.time() - begun, step=step))


def recall(model, words, count):
    """Loss and share of right tokens over `recalls`."""
    ids, labels = (each.to(model.lm_head.weight.device) for each in recalls(words, count, 112, random))
    axes = torch.arange(ids.shape[1], device=ids.device).expand(3, *ids.shape)
    hidden = model.model.language_model(inputs_embeds=model.model.language_model.embed_tokens(ids), position_ids=axes).last_hidden_state
    asked = labels[:, 1:] != -100
    logits, wanted = model.lm_head(hidden[:, :-1][asked]), labels[:, 1:][asked]
    return F.cross_entropy(logits, wanted), (logits.argmax(-1) == wanted).float().mean().item()


def seek(model, meaning, words, count):
    """Loss and share of right places over `finds`."""
    device = model.lm_head.weight.device
    ids, labels, axes, features = finds(words, meaning, count, random)
    ids, labels, axes = ids.to(device), labels.to(device), axes.to(device)
    embeds = model.model.language_model.embed_tokens(ids)
    embeds = embeds.masked_scatter((ids == words.id["<|image|>"])[..., None], (features + 0.015 * torch.randn_like(features)).to(embeds.dtype))
    hidden = model.model.language_model(inputs_embeds=embeds, position_ids=axes).last_hidden_state
    asked = labels[:, 1:] != -100
    logits, wanted = model.lm_head(hidden[:, :-1][asked]), labels[:, 1:][asked]
    return F.cross_entropy(logits, wanted), (logits.argmax(-1) == wanted).float().mean().item()


def advance(stage, model, meaning, words, batch):
    if stage == "seek":
        search, found = seek(model, meaning, words, len(batch["ids"]))
        return dict(loss=search, found=found)
    cells = batch["cells"].flatten(0, 1)
    if stage == "text":
        features = meaning.vectors(cells)
        # As a tower errs: some noise everywhere, and a word missed now and then.
        missed = (torch.rand(len(cells), device=cells.device) < 0.01) & (cells[:, 0] > 0)
        features = features - meaning.words[cells[:, 0]] * missed[:, None] + 0.015 * torch.randn_like(features)
        loss, tokens, replies, places = answer(model, words, batch, features)
        if not model.training:
            return dict(loss=loss, tokens=tokens, replies=replies, places=places)
        again, recalled = recall(model, words, len(batch["ids"]) // 2)
        search, found = seek(model, meaning, words, len(batch["ids"]))
        return dict(loss=loss + 0.15 * again + search, tokens=tokens, replies=replies, places=places,
                    recalled=recalled, found=found)
    features = see(model, batch)
    reading, (word, icon, on, across, down) = meaning.loss(features, cells)
    if stage == "vision":
        return dict(loss=reading, word=word, icon=icon, state=on, x=across, y=down)
    loss, tokens, replies, places = answer(model, words, batch, features)
    return dict(loss=loss + 0.15 * reading, tokens=tokens, replies=replies, places=places, word=word, state=on)


def export(options):
    from safetensors.torch import save_file
    words = Words()
    model, _ = start(words)
    state = torch.load(os.path.join(options.work, "joint.pt"), map_location="cpu")
    model.load_state_dict(state["model"])
    tensors = {name: value.to(torch.float16).contiguous() for name, value in model.state_dict().items() if name != "lm_head.weight"}
    save_file(tensors, os.path.join(HERE, "model.safetensors"), metadata={"format": "pt"})
    config = json.loads(model.config.to_json_string())
    config.update(architectures=["Glm4vForConditionalGeneration"], dtype="float16")
    dump = lambda name, value: open(os.path.join(HERE, name), "w").write(json.dumps(value, indent=2) + "\n")
    dump("config.json", config)
    dump("generation_config.json", dict(eos_token_id=[words.id["<|endoftext|>"], words.id["<|user|>"], words.id["</answer>"]],
                                        pad_token_id=words.id["<|endoftext|>"], do_sample=False))
    dump("preprocessor_config.json", dict(
        image_processor_type="Glm4vImageProcessor", size=dict(shortest_edge=1568, longest_edge=126000), patch_size=14,
        temporal_patch_size=2, merge_size=2, do_rescale=True, do_normalize=True, image_mean=MEAN.flatten().tolist(),
        image_std=DEVIATION.flatten().tolist()))
    print("steps", state["step"], "minutes", state["spent"] / 60, "bytes", os.path.getsize(os.path.join(HERE, "model.safetensors")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["tokenizer", "check", "vision", "seek", "text", "joint", "export"])
    parser.add_argument("--work", default="mini-training", help="the folder of the checkpoints")
    parser.add_argument("--minutes", type=float, default=20, help="how long the stage trains in all, earlier runs counted in")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="the highest learning rate")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--first", type=int, default=0, help="the first seed, above those that the smoke suite uses")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="multiplies in bf16: a third less time where the processor can")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    os.makedirs(options.work, exist_ok=True)
    if options.stage == "tokenizer":
        make_tokenizer()
    elif options.stage == "check":
        check(Words())
    elif options.stage == "export":
        export(options)
    else:
        train(options.stage, options)
