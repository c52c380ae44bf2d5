#!/bin/sh
# Makes the phone's one font out of WenQuanYi Micro Hei (Debian package fonts-wqy-microhei; Apache-2.0 is one of its two licences).
# Keeps ASCII, Latin-1, Latin Extended-A, the punctuation that apps use and the 3,755 most frequent characters of GB 2312 (level 1).
# Needs: apt-get install fonts-wqy-microhei; pip install fonttools. Usage: drivers/phone/font/subset.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=${1:-/usr/share/fonts/truetype/wqy/wqy-microhei.ttc}
list=$(mktemp)
trap 'rm -f "$list"' EXIT
python3 - >"$list" <<'PYTHON'
level_one = [bytes([row, cell]).decode("gb2312", "ignore") for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
punctuation = [chr(c) for c in range(0x3000, 0x3020)] + [chr(c) for c in range(0xFF01, 0xFF5F)] + list("–—‘’“”…·•‹›€£¥°±×÷←→↑↓")
latin = [chr(c) for c in range(0x20, 0x7F)] + [chr(c) for c in range(0xA0, 0x180)]
print("".join(sorted(set("".join(latin + punctuation + level_one)))))
PYTHON
pyftsubset "$source" --font-number=0 --text-file="$list" --output-file="$here/phone.ttf" \
    --layout-features='' --no-hinting --desubroutinize --name-IDs='0,1,2,13,14' --drop-tables+=GSUB,GPOS,GDEF,vhea,vmtx
ls -l "$here/phone.ttf"
