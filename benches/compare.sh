#!/usr/bin/env bash
# Measures whole processes side by side on a generated monorepo: knockon, Turborepo and git.
#
#   benches/compare.sh [PACKAGES] [RUNS]      1000 packages and 15 runs unless told
#
# Every round runs each command once, one after the other, so that whatever else the machine does falls on all of
# them alike. One round before the first warms the caches and is not counted. Prints medians as a Markdown table.
#
# Needs git, cargo, GNU time and npm (from which it installs Turborepo into a temporary folder).
#   KNOCKON=path      a binary to measure instead of building one
#   TURBO=path        a binary of Turborepo instead of installing one
#   MONOREPO=folder   a repository that `cargo bench --bench generate` made, instead of making one; left as it was
set -euo pipefail
export LC_ALL=C DO_NOT_TRACK=1 TURBO_TELEMETRY_DISABLED=1 TURBO_NO_UPDATE_NOTIFIER=1

packages=${1:-1000}
runs=${2:-15}
turbo_version=${TURBO_VERSION:-2.11.11}
source_folder=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ -z ${KNOCKON:-} ]]; then
    (cd "$source_folder" && cargo build --release --quiet --bin knockon)
    KNOCKON=$(cd "$source_folder" && cargo metadata --no-deps --format-version 1 |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/knockon
fi
if [[ -z ${MONOREPO:-} ]]; then
    MONOREPO=$work/monorepo
    (cd "$source_folder" && cargo bench --quiet --bench generate -- "$MONOREPO" "$packages")
fi
if [[ -z ${TURBO:-} ]]; then
    mkdir "$work/turbo"
    npm install --silent --no-audit --no-fund --prefix "$work/turbo" "turbo@$turbo_version" >&2
    # The program itself: starting it through Node would add Node's own start to every run.
    TURBO=$(find "$work/turbo/node_modules/@turbo" -path '*/bin/turbo' | head -n 1)
fi

cd "$MONOREPO"
packages=$(git ls-files '*/package.json' | wc -l)
files=$(git ls-files | wc -l)

# Each command by a name, as the words that start it.
words_of() {
    case $1 in
    'commits, leaf: knockon') words=("$KNOCKON" affected --base base --head leaf) ;;
    'commits, leaf: turbo') words=(env TURBO_SCM_BASE=base TURBO_SCM_HEAD=leaf "$TURBO" ls --affected) ;;
    'commits, core: knockon') words=("$KNOCKON" affected --base base --head core) ;;
    'commits, core: turbo') words=(env TURBO_SCM_BASE=base TURBO_SCM_HEAD=core "$TURBO" ls --affected) ;;
    'work tree, '*': knockon') words=("$KNOCKON" affected --base leaf --worktree) ;;
    'work tree, '*': turbo') words=(env TURBO_SCM_BASE=leaf "$TURBO" ls --affected) ;;
    'work tree, '*': git status') words=(git status --porcelain) ;;
    esac
}

# measure NAME: appends "wall user+system peak-kilobytes" to the name's file.
measure() {
    local words took TIMEFORMAT='%R %U %S'
    words_of "$1"
    took=$({ time command time -f '%M' -o "$work/peak" "${words[@]}" >"$work/output" 2>"$work/errors"; } 2>&1) || {
        echo "$1 failed:" >&2
        cat "$work/errors" >&2
        exit 1
    }
    echo "$took $(tail -n 1 "$work/peak")" | awk '{ print $1, $2 + $3, $4 }' >>"$work/times.$1"
    wc -l <"$work/output" >"$work/lines.$1"
}

rounds() {
    local round name
    for ((round = 0; round <= runs; round++)); do
        for name in "$@"; do
            measure "$name"
            if ((round == 0)); then rm "$work/times.$name"; fi
        done
    done
}

median() { # FILE COLUMN
    cut -d ' ' -f "$2" "$1" | sort -g | awk '{ v[NR] = $1 } END { m = int((NR + 1) / 2); print (NR % 2) ? v[m] : (v[m] + v[m + 1]) / 2 }'
}

git checkout --quiet leaf
git status --porcelain >/dev/null
rounds 'commits, leaf: knockon' 'commits, leaf: turbo' 'commits, core: knockon' 'commits, core: turbo'
rounds 'work tree, clean: knockon' 'work tree, clean: git status'

# Ten changed files, one new one.
mapfile -t victims < <(git ls-files 'apps/*/src/index.ts' | awk 'NR % 19 == 1' | head -n 10)
for victim in "${victims[@]}"; do echo '// changed' >>"$victim"; done
echo 'export {};' >"$(dirname "${victims[0]}")/new.ts"
# Files that are as young as the index have to be read again by everyone; that is not what is measured.
sleep 1.1
git status --porcelain >/dev/null
rounds 'work tree, dirty: knockon' 'work tree, dirty: git status' 'work tree, dirty: turbo'
git checkout --quiet -- "${victims[@]}"
rm "$(dirname "${victims[0]}")/new.ts"

echo "$packages packages, $files files, $runs runs, $(nproc) cores; $("$KNOCKON" --version), turbo $("$TURBO" --version), $(git --version)"
echo
echo '| what | wall, ms | CPU, ms | peak memory, MB | lines |'
echo '|---|---:|---:|---:|---:|'
for file in "$work"/times.*; do
    name=${file#"$work"/times.}
    printf '| %s | %.0f | %.0f | %.1f | %d |\n' "$name" "$(median "$file" 1 | awk '{ print $1 * 1000 }')" \
        "$(median "$file" 2 | awk '{ print $1 * 1000 }')" "$(median "$file" 3 | awk '{ print $1 / 1024 }')" "$(cat "$work/lines.$name")"
done
