#!/usr/bin/env bash
# Measures whole processes side by side on a generated monorepo: knockon, git, Turborepo, Nx and moon.
#
#   benches/compare.sh [PACKAGES] [RUNS]      1000 packages and 10 runs unless told
#
# Every round runs each command of a question once, one after the other, so that whatever else the machine does falls
# on all of them alike. One round before the first warms the caches (and fills the memos) and is not counted. Prints
# medians as Markdown tables. Memory is measured in rounds of its own, as its measurement costs time.
#
# Needs git, cargo, GNU time, node and npm (from which it installs the peers into a temporary folder).
#   KNOCKON=path      a binary to measure instead of building one
#   MONOREPO=folder   a repository that `cargo bench --bench generate` made, instead of making one; left as it was
#   PEERS=folder      where `turbo`, `nx` and `moon` are installed, each in a folder of that name, instead of installing
#   ONLY=words        the questions to ask, of: affected worktree plan (all unless told)
#   SLOW_RUNS=number  Nx and moon take seconds: how many rounds they take part in (3 unless told)
set -euo pipefail
export LC_ALL=C DO_NOT_TRACK=1
export TURBO_TELEMETRY_DISABLED=1 TURBO_NO_UPDATE_NOTIFIER=1
export NX_DAEMON=false NX_NO_CLOUD=true NX_DISABLE_REMOTE_CACHE=true NX_INTERACTIVE=false

packages=${1:-1000}
runs=${2:-10}
slow_runs=${SLOW_RUNS:-3}
memory_runs=3
only=${ONLY:-affected worktree plan}
turbo_version=${TURBO_VERSION:-2.11.11}
nx_version=${NX_VERSION:-24.0.6}
moon_version=${MOON_VERSION:-2.5.5}
source_folder=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
export MOON_HOME=$work/moon-home

# What the ratio of wall times to a peer is to be at most.
target_of() {
    case $1 in
    *': git status') echo 1.1 ;;
    'leaf: turbo ls' | 'core: turbo ls') echo 0.25 ;;
    *': turbo run --dry') echo 0.2 ;;
    *': nx show projects') echo 0.05 ;;
    esac
}

changed=()
added=
restore() {
    if ((${#changed[@]})); then git -C "$MONOREPO" checkout --quiet -- "${changed[@]}"; fi
    if [[ -n $added ]]; then rm -f "$MONOREPO/$added"; fi
    changed=()
    added=
}
linked=
leave() {
    restore
    if [[ -n $linked ]]; then rm -f "$linked"; fi
    rm -rf "$work"
}
trap leave EXIT

install() { # NAME PACKAGE
    mkdir -p "$PEERS/$1"
    npm install --silent --no-audit --no-fund --prefix "$PEERS/$1" "$2" >&2
}

if [[ -z ${KNOCKON:-} ]]; then
    (cd "$source_folder" && cargo build --release --quiet --bin knockon)
    KNOCKON=$(cd "$source_folder" && cargo metadata --no-deps --format-version 1 |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/knockon
fi
if [[ -z ${MONOREPO:-} ]]; then
    MONOREPO=$work/monorepo
    (cd "$source_folder" && cargo bench --quiet --bench generate -- "$MONOREPO" "$packages" >&2)
fi
if [[ -z ${PEERS:-} ]]; then
    PEERS=$work/peers
    install turbo "turbo@$turbo_version"
    install nx "nx@$nx_version"
    install moon "@moonrepo/cli@$moon_version"
fi
# The programs themselves: starting them through Node would add Node's own start to every run. Nx has no other way.
turbo=$(find -L "$PEERS/turbo/node_modules/@turbo" -path '*/bin/turbo' | head -n 1)
moon=$(find -L "$PEERS/moon/node_modules/@moonrepo" -path '*/core-*/moon' | head -n 1)
nx=$PEERS/nx/node_modules/nx/dist/bin/nx.js

cd "$MONOREPO"
# Nx wants to be installed in the workspace. The repository's `.gitignore` hides this from git.
if [[ ! -e node_modules ]]; then
    linked=$MONOREPO/node_modules
    ln -s "$PEERS/nx/node_modules" "$linked"
fi

# What is measured is called `RANGE: COMMAND`. Sets the words that start it, and the variables that it needs.
words_of() {
    local range=${1%%: *} choice
    case $range in
    leaf | core)
        choice=(--base base --head "$range")
        variables=(TURBO_SCM_BASE=base "TURBO_SCM_HEAD=$range" MOON_BASE=base "MOON_HEAD=$range")
        ;;
    *)
        choice=(--base leaf --worktree)
        variables=(TURBO_SCM_BASE=leaf)
        ;;
    esac
    case ${1#*: } in
    'knockon affected') words=("$KNOCKON" affected "${choice[@]}") ;;
    'knockon plan') words=("$KNOCKON" plan --format json "${choice[@]}") ;;
    'knockon affected, no memo') words=("$KNOCKON" affected "${choice[@]}") variables+=(KNOCKON_MEMO=off) ;;
    'knockon plan, no memo') words=("$KNOCKON" plan --format json "${choice[@]}") variables+=(KNOCKON_MEMO=off) ;;
    'git diff') words=(git diff --name-only base "$range") ;;
    'git status') words=(git status --porcelain) ;;
    'turbo ls') words=("$turbo" ls --affected) ;;
    'turbo run --dry') words=("$turbo" run build --affected --dry=json) ;;
    'nx show projects') words=(node "$nx" show projects --affected "${choice[@]}") ;;
    'moon query projects') words=("$moon" query projects --affected --downstream deep) ;;
    esac
}

failed() {
    echo "$1 failed:" >&2
    cat "$work/errors" >&2
    exit 1
}

time_once() { # NAME: appends "wall user+system", in seconds
    local words variables TIMEFORMAT='%R %U %S'
    words_of "$1"
    { time env "${variables[@]}" "${words[@]}" >"$work/output" 2>"$work/errors"; } 2>"$work/took" || failed "$1"
    awk '{ print $1, $2 + $3 }' "$work/took" >>"$work/times.$1"
}

weigh_once() { # NAME: appends the peak of its largest process, in kilobytes
    local words variables
    words_of "$1"
    command time -f '%M' -o "$work/peak" env "${variables[@]}" "${words[@]}" >"$work/output" 2>"$work/errors" || failed "$1"
    tail -n 1 "$work/peak" >>"$work/peaks.$1"
}

names=()
# rounds NAME...: measures all of them.
rounds() {
    local round name
    names+=("$@")
    for name in "$@"; do
        time_once "$name"
        rm "$work/times.$name"
    done
    for ((round = 1; round <= runs; round++)); do
        for name in "$@"; do
            if takes_part "$name" "$round"; then time_once "$name"; fi
        done
    done
    for ((round = 1; round <= memory_runs; round++)); do
        for name in "$@"; do
            if takes_part "$name" "$round"; then weigh_once "$name"; fi
        done
    done
}

takes_part() { # NAME ROUND
    case $1 in
    *': nx '* | *': moon '*) (($2 <= slow_runs)) ;;
    esac
}

# How many packages each of them calls affected: figures of tools that disagree compare nothing.
agreement() { # RANGE
    local words variables of found=()
    for of in 'knockon affected' 'turbo ls' 'nx show projects' 'moon query projects'; do
        words_of "$1: $of"
        if [[ $of == 'turbo ls' ]]; then words+=(--output=json); fi
        env "${variables[@]}" "${words[@]}" >"$work/output" 2>"$work/errors" || failed "$1: $of"
        found+=("${of%% *} $(node -e '
            const text = require("fs").readFileSync(0, "utf8");
            const lines = text.split("\n").filter((line) => line).length;
            const answer = text.startsWith("{") ? JSON.parse(text) : {};
            console.log(answer.packages?.count ?? answer.projects?.length ?? lines);
        ' <"$work/output")")
    done
    (IFS=, && echo "Affected at $1:${found[*]/#/ }.")
}

git checkout --quiet leaf
git status --porcelain >/dev/null
echo "$(git ls-files '*/package.json' | wc -l) packages, $(git ls-files | wc -l) files, $runs runs ($slow_runs of nx and moon), $(nproc) cores."
echo "$("$KNOCKON" --version), $(git --version), turbo $("$turbo" --version), nx $nx_version, $("$moon" --version)."
if [[ $only == *affected* || $only == *plan* ]]; then
    agreement leaf
    agreement core
fi

for range in leaf core; do
    if [[ $only == *affected* ]]; then
        rounds "$range: "{'knockon affected','knockon affected, no memo','git diff','turbo ls'}
    fi
    if [[ $only == *plan* ]]; then
        rounds "$range: "{'knockon plan','knockon plan, no memo','turbo run --dry','nx show projects','moon query projects'}
    fi
done
if [[ $only == *worktree* ]]; then
    mapfile -t candidates < <(git ls-files 'apps/*/src/index.ts')
    for count in 1 10; do
        for ((at = 0; at < count; at++)); do changed+=("${candidates[at * ${#candidates[@]} / count]}"); done
        for file in "${changed[@]}"; do echo '// changed' >>"$file"; done
        range='one changed file'
        if ((count > 1)); then
            range='ten changed files and a new one'
            added=$(dirname "${changed[0]}")/added.ts
            echo 'export {};' >"$added"
        fi
        # Files that are as young as the index have to be read again by everyone; that is not what is measured.
        sleep 1.1
        git status --porcelain >/dev/null
        rounds "$range: "{'knockon affected','knockon affected, no memo','git status','turbo ls'}
        restore
    done
fi

median() { # FILE COLUMN FACTOR
    cut -d ' ' -f "$2" "$1" | sort -g | awk -v factor="$3" '
        { v[NR] = $1 }
        END { m = int((NR + 1) / 2); printf "%.1f", factor * ((NR % 2) ? v[m] : (v[m] + v[m + 1]) / 2) }'
}
wall() { median "$work/times.$1" 1 1000; }
cpu() { median "$work/times.$1" 2 1000; }
peak() { median "$work/peaks.$1" 1 0.0009765625; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "–" }'; }

echo
echo '| what | wall, ms | CPU, ms | peak memory, MB |'
echo '|---|---:|---:|---:|'
for name in "${names[@]}"; do
    echo "| $name | $(wall "$name") | $(cpu "$name") | $(peak "$name") |"
done
echo
echo '| knockon | divided by | wall | CPU | memory | target, wall | met |'
echo '|---|---|---:|---:|---:|---:|---|'
for own in "${names[@]}"; do
    if [[ $own != *': knockon '* ]]; then continue; fi
    command=${own#*: }
    for peer in "${names[@]}"; do
        if [[ $peer == *': knockon '* || ${peer%%: *} != "${own%%: *}" ]]; then continue; fi
        # A plan is compared with what else answers with a plan, or with the little that there is of it.
        case ${command%,*}/${peer#*: } in
        'knockon affected/git '* | 'knockon affected/turbo ls') ;;
        'knockon plan/turbo run --dry' | 'knockon plan/nx '* | 'knockon plan/moon '*) ;;
        *) continue ;;
        esac
        by=$(ratio "$(wall "$own")" "$(wall "$peer")")
        target=$(target_of "$peer")
        met=$(awk -v by="$by" -v target="$target" 'BEGIN { print target == "" ? "" : (by <= target + 0 ? "yes" : "**no**") }')
        echo "| $own | ${peer#*: } | $by | $(ratio "$(cpu "$own")" "$(cpu "$peer")") |" \
            "$(ratio "$(peak "$own")" "$(peak "$peer")") | ${target:-–} | $met |"
    done
done
