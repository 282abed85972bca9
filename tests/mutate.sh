#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Breaks the code once for each rule and expects a red test; tests/mutate.py --help says how.
exec python3 "$(dirname "${BASH_SOURCE[0]}")/mutate.py" "$@"
