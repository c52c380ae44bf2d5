"""Opens a built decoder with ONNX Runtime alone: how long it takes, what stays in memory, and how fast it is.

    pip install onnxruntime numpy
    python load.py FOLDER plain    # as the folder is
    python load.py FOLDER save     # writes prepacked.onnx beside it: weights as the kernels want them
    python load.py FOLDER saved    # opens that one
"""

import json
import pathlib
import sys
import time

import numpy as np
import onnxruntime as ort

SLOTS, PROMPT, TOKENS = 1024, 64, 8


def memory():
    status = pathlib.Path("/proc/self/status").read_text()
    of = lambda name: int(status.split(f"{name}:")[1].split()[0]) // 1024
    return f"resident {of('VmRSS')} MiB, of it not in files {of('RssAnon')}, peak {of('VmHWM')}"


def main(folder, how):
    folder = pathlib.Path(folder)
    graph = folder / json.loads((folder / "build.json").read_text())["decoder"]["file"]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    if how == "save":
        options.optimized_model_filepath = str(folder / "prepacked.onnx")
        options.add_session_config_entry("session.save_external_prepacked_constant_initializers", "1")
        name = "session.optimized_model_external_initializers_file_name"
        options.add_session_config_entry(name, "prepacked.onnx_data")
    if how == "saved":
        graph = folder / "prepacked.onnx"
    begun, worked = time.time(), time.process_time()
    session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    print(f"{how}: opened in {time.time() - begun:.1f} s, {time.process_time() - worked:.1f} s of work; {memory()}")
    if how == "save":
        return

    inputs = {value.name: value for value in session.get_inputs()}
    width, angles = inputs["inputs_embeds"].shape[-1], inputs["cos_cache"].shape[-1]
    turns = np.arange(SLOTS)[:, None] / 10000.0 ** (np.arange(angles) / angles)
    cos, sin = np.cos(turns).astype(np.float32), np.sin(turns).astype(np.float32)
    binding = session.io_binding()
    for name, value in inputs.items():
        if name.startswith("past_key_values"):
            cache = ort.OrtValue.ortvalue_from_numpy(np.zeros((1, value.shape[1], SLOTS, value.shape[3]), np.float32))
            binding.bind_ortvalue_input(name, cache)
            binding.bind_ortvalue_output(name.replace("past_key_values", "present"), cache)
    binding.bind_cpu_input("cos_cache", cos)
    binding.bind_cpu_input("sin_cache", sin)

    def run(tokens, past):
        begun = time.time()
        embeds = np.random.default_rng(past).standard_normal((1, tokens, width)).astype(np.float32)
        binding.bind_cpu_input("inputs_embeds", embeds)
        binding.bind_cpu_input("logits_rows", np.array([tokens - 1], np.int64))
        binding.bind_cpu_input("seqlens_k", np.array([past + tokens - 1], np.int32))
        binding.bind_cpu_input("total_sequence_length", np.array(past + tokens, np.int32))
        binding.bind_output("logits")
        session.run_with_iobinding(binding)
        return time.time() - begun

    prompt = run(PROMPT, 0)
    tokens = sorted(run(1, PROMPT + index) for index in range(TOKENS))
    print(f"prompt {PROMPT / prompt:.1f} tokens/s, a token {tokens[TOKENS // 2] * 1e3:.0f} ms (best {tokens[0] * 1e3:.0f}); {memory()}")


main(*sys.argv[1:])
