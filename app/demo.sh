#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Sets this machine up, builds tidegate and runs `tidegate demo`; arguments go to the demo.
# Needs no root where the packages are installed already, and no hugepages at all.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$top/config/setup.sh" --no-hugepages
exec "$top/build/app/tidegate" demo "$@"
