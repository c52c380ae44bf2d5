#!/bin/sh
# Trains the small model on from its committed weights, on one graphics card, within minutes.
#
#   models/mini/train_gpu.sh OUT [SECONDS [MORE OPTIONS OF train_gpu.py]]
#
# Needs python3 with torch, transformers, tokenizers, safetensors, and the generator: MINI_DATA, or target/release/tapwright-mini-data
# (cargo build --release -p tapwright-mini-data). SECONDS is for all of it, the start of Python included.
set -eu
begun=$(date +%s)
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)
seconds=${2:-420}
shift; [ $# -gt 0 ] && shift
: "${MINI_DATA:=$here/../../target/release/tapwright-mini-data}"
MINI_DATA=$(cd "$(dirname "$MINI_DATA")" && pwd)/$(basename "$MINI_DATA")
# Before OMP_NUM_THREADS is set, and without the caller's: nproc says no more than that, and a card would wait for one worker.
cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
workers=$((cores > 3 ? cores - 2 : 1))
echo "$cores cores, $workers workers"
export MINI_DATA OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false PYTHONUNBUFFERED=1 PYTORCH_NVML_BASED_CUDA_CHECK=1
chmod +x "$MINI_DATA" 2>/dev/null || true
"$MINI_DATA" texts 0 1 > /dev/null || { echo "the generator $MINI_DATA does not run here" >&2; exit 2; }
# Batches pass between processes in shared memory.
df -h /dev/shm 2>/dev/null || true
if [ "$(df -k /dev/shm 2>/dev/null | awk 'NR==2 { print $4 }')" -lt 8000000 ] 2>/dev/null; then
  echo "/dev/shm has less than 8 GB, and batches may not fit: mount -o remount,size=24G /dev/shm" >&2
fi
cd "$here"
exec timeout -s KILL "$((seconds + 5))" "${PYTHON:-python3}" train_gpu.py --out "$out" --until $((begun + seconds)) --workers "$workers" "$@"
