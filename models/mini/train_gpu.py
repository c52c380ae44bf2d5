"""Trains the small model on from the weights that it has: within minutes on a graphics card that worker processes feed, within an
hour or two on a processor (`--device cpu --workers 1 --threads 1 --batch 24 --texts 20`).

    models/mini/train_gpu.sh OUT [SECONDS]     # the one script for a card; see there

Writes to OUT: best.safetensors and last.safetensors (fp16, as export writes them), curves.csv, curves.svg, log.txt. All of them are
written again every minute, so that a run that is cut off leaves weights.

Each worker runs the generator for steps with pictures and again for steps without, and turns both into batches. The card takes a new
batch when there is one, and else one that it has had before, up to --reuse times.
"""
import argparse, collections, math, os, queue, random, resource, sys, threading, time

import torch
from safetensors.torch import load_file, save_file

import train as mini

KINDS = ["known", "reworded", "question", "absent", "absent-end", "beyond", "disturbed"]
LONGEST = 448  # tokens; a longer step is left out, as every row of a batch is as long as its longest


def is_hard(record):
    """Whether a step is of the kinds that a model learns last."""
    is_first, reply = len(record["turns"]) == 1, record["reply"]
    return is_first or record["kind"] not in ("known", "reworded") or any(sign in reply for sign in ("Find ", "need", "Type"))


class Feed(torch.utils.data.IterableDataset):
    """Batches for training, behind one of held-out steps."""

    def __init__(self, options):
        self.options = options

    def __iter__(self):
        options, worker = self.options, torch.utils.data.get_worker_info()
        torch.set_num_threads(1)
        if worker:
            os.nice(10)  # The process that drives the card must not wait for a core.
        place = worker.id if worker else 0
        words, dice = mini.Words(), random.Random(1000 * options.first + place)
        random.seed(place)
        spread = 1 << 30
        held = mini.records("steps", mini.HELD_OUT + place * spread)
        yield dict(self.batch(held, words, options.held, lambda record: record), held=torch.tensor(1))
        held.close()
        # Most steps of an episode are easy; what is looked for, copied or decided is not, and comes once or twice in each.
        is_taken = lambda record: is_hard(record) or dice.random() < options.easy
        steps = mini.records("steps", options.first + place * spread)
        texts = mini.records("texts", options.first + (200 + place) * spread)
        while True:
            batch = self.batch(steps, words, options.batch, lambda record: self.other(record, words, dice, 0.3, False), is_taken)
            more = self.batch(texts, words, options.texts, lambda record: self.other(record, words, dice, 0.6, True), is_taken)
            batch.update({"text_" + name: value for name, value in more.items()})
            yield batch

    @staticmethod
    def other(record, words, dice, share, names):
        return mini.disguise(record, words, dice, names) if dice.random() < share else record

    @staticmethod
    def batch(source, words, size, change, is_taken=lambda record: True):
        picked = []
        while len(picked) < size:
            record, picture = next(source)
            if sum(len(text) for _, text in record["turns"]) < 900 and is_taken(record):
                picked.append((change(record), picture))
        batch = mini.collate(picked, words)
        if batch["ids"].shape[1] > LONGEST:
            keep = (batch["ids"][:, LONGEST:] == words.id["<|endoftext|>"]).all(1)
            for name, value in batch.items():
                if torch.is_tensor(value) and name not in ("positions",):
                    batch[name] = value[keep][:, :LONGEST] if name in ("ids", "labels", "places") else value[keep]
            batch["positions"] = batch["positions"][:, keep, :LONGEST].contiguous()
            picked = [one for one, is_kept in zip(picked, keep.tolist()) if is_kept]
        batch["kinds"] = torch.tensor([KINDS.index(record["kind"]) for record, _ in picked])
        return batch


def move(batch, device):
    return {name: value.to(device, non_blocking=True) if torch.is_tensor(value) else value for name, value in batch.items()}


def right_by_kind(model, words, batches, device, bf16):
    """The share of held-out replies with every token right, the tokens before each given, by kind; and how many there are."""
    right, count = collections.Counter(), collections.Counter()
    model.eval()
    with torch.no_grad(), torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=bf16):
        for batch in batches:
            batch = move(batch, device)
            embeds = model.model.language_model.embed_tokens(batch["ids"])
            image = (batch["ids"] == words.id["<|image|>"])[..., None]
            embeds = embeds.masked_scatter(image, mini.see(model, batch).to(embeds.dtype))
            hidden = model.model.language_model(inputs_embeds=embeds, position_ids=batch["positions"]).last_hidden_state
            wanted = batch["labels"][:, 1:]
            known = wanted != -100
            is_right = torch.ones_like(known)
            is_right[known] = model.lm_head(hidden[:, :-1][known]).argmax(-1) == wanted[known]
            for kind, whole in zip(batch["kinds"].tolist(), is_right.all(1).tolist()):
                count[kind] += 1
                right[kind] += whole
    model.train()
    return {KINDS[kind]: (right[kind] / count[kind], count[kind]) for kind in sorted(count)}


def losses(model, meaning, words, batch, texts_weight, recalled=0):
    """The joint stage's loss, and the language model's own on steps without pictures, in other words than the phone has."""
    cells = batch["cells"].flatten(0, 1)
    features = mini.see(model, batch)
    loss, tokens, replies, places = mini.answer(model, words, batch, features)
    figures = dict(loss=float(loss.detach()), tokens=tokens, replies=replies, places=places)
    if features.requires_grad:
        reading, right = meaning.loss(features.float(), cells)
        figures.update(zip(["word", "icon", "state", "x", "y"], right))
        loss = loss + 0.15 * reading
    if texts_weight:
        more = {name.removeprefix("text_"): value for name, value in batch.items() if name.startswith("text_")}
        features = meaning.vectors(more["cells"].flatten(0, 1))
        features = features + 0.015 * torch.randn_like(features)
        other, _, replies, _ = mini.answer(model, words, more, features)
        figures.update(text_loss=float(other.detach()), text_replies=replies)
        loss = loss + texts_weight * other
    if recalled:
        again, share = mini.recall(model, words, recalled)
        figures.update(recalled=share)
        loss = loss + 0.15 * again
    return loss, figures


def write_weights(model, path):
    tensors = {name: value.detach().to("cpu", torch.float16).contiguous() for name, value in model.state_dict().items()
               if name != "lm_head.weight"}
    save_file(tensors, path + ".new", metadata={"format": "pt"})
    os.replace(path + ".new", path)


def draw(rows, path):
    """The curves as a picture: shares of right held-out replies over the seconds."""
    width, height, left, top = 760, 420, 52, 24
    colours = dict(zip(KINDS, ["#2f80ed", "#16a34a", "#0e7c86", "#e0567a", "#b4559b", "#f08c2e", "#64748b"]))
    last = max(row["seconds"] for row in rows) or 1
    x = lambda seconds: left + seconds / last * (width - left - 130)
    y = lambda share: top + (1 - share) * (height - top - 40)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
             f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    for tenth in range(0, 11, 2):
        at = y(tenth / 10)
        parts.append(f'<path d="M{left} {at:.1f}H{width - 130}" stroke="#d8dce4"/><text x="12" y="{at + 4:.1f}">{10 * tenth} %</text>')
    for second in range(0, int(last) + 1, 60):
        parts.append(f'<text x="{x(second) - 8:.1f}" y="{height - 18}">{second}</text>')
    parts.append(f'<text x="{width - 190}" y="{height - 2}">seconds of training</text>')
    for kind in KINDS:
        points = [(x(row["seconds"]), y(row[kind])) for row in rows if kind in row]
        if points:
            line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colours[kind]}" stroke-width="2"/>')
    for at, kind in enumerate(KINDS):
        parts.append(f'<text x="{width - 118}" y="{top + 12 + 20 * at}" fill="{colours[kind]}">{kind}</text>')
    with open(path, "w") as file:
        file.write("\n".join(parts) + "\n</svg>\n")


class Source:
    """New batches as they come, and known ones in between."""

    def __init__(self, options, device):
        self.options, self.device, self.kept, self.ready = options, device, [], queue.Queue(6)
        self.failed = None
        is_cuda = torch.device(device).type == "cuda"
        # Workers begin before the card is touched: a process that uses CUDA cannot be forked.
        loader = torch.utils.data.DataLoader(Feed(options), batch_size=None, num_workers=options.workers,
                                             prefetch_factor=3 if options.workers else None, pin_memory=is_cuda)
        self.batches = iter(loader)
        self.held = [next(self.batches) for _ in range(max(1, options.workers))]
        assert all("held" in batch for batch in self.held), "each worker's first batch is held out"
        threading.Thread(target=self.fill, daemon=True).start()

    def fill(self):
        try:
            for batch in self.batches:
                self.ready.put(batch)
        except BaseException as error:
            self.failed = error
            raise

    def next(self):
        """A batch on the device, and whether it is new."""
        worn = [entry for entry in self.kept if entry[0] < self.options.reuse]
        try:
            fresh = self.ready.get(block=not worn or len(self.kept) < 4, timeout=60)
        except queue.Empty:
            fresh = None
        if fresh is None:
            if not worn:
                raise RuntimeError(f"no batch comes: {self.failed}")
            entry = random.choice(worn)
            entry[0] += 1
            return entry[1], False
        batch = move(fresh, self.device)
        self.kept.append([1, batch])
        del self.kept[:-self.options.keep]
        return batch, True


class Measurements:
    """What held-out steps say now and then: rows of curves.csv, curves.svg, and the best weights so far."""

    def __init__(self, out, say):
        self.out, self.say, self.rows, self.best = out, say, [], -1.0

    def add(self, model, found, row, loss):
        mean = sum(share for share, _ in found.values()) / len(found)
        row = dict(row, mean=mean, **{kind: share for kind, (share, _) in found.items()})
        if loss is not None:
            row["loss"] = loss
        self.rows.append(row)
        self.say("held out:", " ".join(f"{kind} {share:.3f}/{count}" for kind, (share, count) in found.items()), f"mean {mean:.4f}")
        columns = ["seconds", "steps", "samples", "new", "loss", "mean"] + KINDS
        with open(os.path.join(self.out, "curves.csv"), "w") as file:
            file.write(",".join(columns) + "\n")
            file.writelines(",".join(str(round(row[c], 4)) if c in row else "" for c in columns) + "\n" for row in self.rows)
        draw(self.rows, os.path.join(self.out, "curves.svg"))
        if mean >= self.best and row["steps"]:
            self.best = mean
            write_weights(model, os.path.join(self.out, "best.safetensors"))


def begin(options):
    """The model with the weights that it goes on from, what lies under its visual tokens, and the optimizer."""
    words = mini.Words()
    model, meaning = mini.start(words)
    model.load_state_dict(load_file(options.start), strict=False)
    model.tie_weights()
    model.to(options.device), meaning.to(options.device)
    model.model.visual.requires_grad_(not options.frozen_tower)
    torch.backends.cuda.matmul.allow_tf32 = True
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1] + [meaning.scale, meaning.none]
    optimizer = torch.optim.AdamW([dict(params=decayed, weight_decay=0.01), dict(params=others, weight_decay=0.0)], lr=options.rate,
                                  betas=(0.9, 0.98), fused=torch.device(options.device).type == "cuda")
    return words, model, meaning, optimizer


def run(options):
    begun = time.time()
    os.makedirs(options.out, exist_ok=True)
    log = open(os.path.join(options.out, "log.txt"), "w")

    def say(*what):
        print(f"{time.time() - begun:.1f}", *what, flush=True)
        print(f"{time.time() - begun:.1f}", *what, file=log, flush=True)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    device, bf16 = torch.device(options.device), not options.fp32
    source = Source(options, options.device)
    say("workers", options.workers, "held-out steps", sum(len(batch["ids"]) for batch in source.held), "torch", torch.__version__)
    if device.type == "cpu":
        torch.set_num_threads(options.threads or os.cpu_count() or 1)
    words, model, meaning, optimizer = begin(options)
    say(torch.cuda.get_device_name() if device.type == "cuda" else "no card")
    if device.type == "cuda" and options.workers < 8:
        say(f"only {options.workers} workers: the card will wait for the generator (one worker made 85 new steps a second)")
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    deadline = (options.until if options.until else begun + options.seconds) - options.reserve
    measurements, figures, first = Measurements(options.out, say), [], time.time()
    step = samples = news = skipped = 0
    next_measure, next_save = first, first + 60

    def measure():
        loss = sum(f["loss"] for f in figures) / len(figures) if figures else None
        measurements.add(model, right_by_kind(model, words, source.held, device, bf16),
                         dict(seconds=round(time.time() - first, 1), steps=step, samples=samples, new=news), loss)

    while (now := time.time()) < deadline:
        if now >= next_measure:
            measure()
            next_measure = time.time() + options.measure
        fraction = (now - first) / max(1e-6, deadline - first)
        rate = options.rate * min(1, (step + 1) / options.warmup) * (0.5 * (1 + math.cos(math.pi * min(1, fraction))) + 0.005)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch, is_new = source.next()
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
            loss, told = losses(model, meaning, words, batch, options.texts_weight, options.recalls)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(trained, 1.0)
        if not torch.isfinite(norm):
            skipped += 1  # One bad batch must not spoil the weights of all others.
            continue
        optimizer.step()
        figures.append(told)
        step, samples, news = step + 1, samples + len(batch["ids"]), news + (len(batch["ids"]) if is_new else 0)
        if step % options.tell == 0:
            mean = {name: sum(f[name] for f in figures) / len(figures) for name in figures[-1]}
            spent = time.time() - first
            say(f"step {step} {step / spent:.2f}/s samples {samples / spent:.0f}/s new {news / spent:.0f}/s rate {rate:.5f} norm {norm:.2f}"
                f" tokens {batch['ids'].shape[1]} skipped {skipped}", " ".join(f"{name} {value:.3f}" for name, value in mean.items()))
            figures = []
        if time.time() >= next_save:
            next_save = time.time() + 60
            write_weights(model, os.path.join(options.out, "last.safetensors"))
    measure()
    write_weights(model, os.path.join(options.out, "last.safetensors"))
    say("best mean of held-out shares", round(measurements.best, 4), "steps", step, "samples", samples, "new", news, "skipped", skipped)
    log.close(), sys.stdout.flush()
    os._exit(0)  # The workers are in the middle of something, and nothing is left to be written.


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seconds", type=float, default=400, help="in all, from the start of this program")
    parser.add_argument("--until", type=float, default=0, help="instead: when to end, in seconds since 1970")
    parser.add_argument("--reserve", type=float, default=8, help="of them for the last measurement and the files")
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--batch", type=int, default=384, help="steps with pictures")
    parser.add_argument("--texts", type=int, default=256, help="steps without, beside them")
    parser.add_argument("--texts-weight", type=float, default=0.5)
    parser.add_argument("--easy", type=float, default=1.0, help="the share of easy steps that is taken")
    parser.add_argument("--recalls", type=int, default=0, help="rows of random words in which quoted phrases come back, beside each batch")
    parser.add_argument("--held", type=int, default=128, help="held-out steps of each worker")
    parser.add_argument("--reuse", type=int, default=3, help="how often a batch is used at most")
    parser.add_argument("--keep", type=int, default=48, help="how many batches are kept on the device")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--start", default=os.path.join(mini.HERE, "model.safetensors"), help="the weights to go on from")
    parser.add_argument("--threads", type=int, default=0, help="on a processor; 0: as many as there are cores")
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--measure", type=float, default=45, help="seconds between measurements")
    parser.add_argument("--tell", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--frozen-tower", action="store_true", help="leaves the vision tower as it is: right for a run of few steps")
    parser.add_argument("--fp32", action="store_true")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    run(parser.parse_args())
