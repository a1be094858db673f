#!/usr/bin/env bash
# usage: tests/services.sh [postgis] [chromium] [r] -- command …
#
# Runs a command with the real things that some tests need. Debian as root:
# installs what is missing. PostGIS is a cluster of our own in a temporary
# folder, on a free loopback port, with a password made for this run; it is
# stopped and removed at the end. What cannot be had is said in one line, and
# tests/conftest.py decides what that means: a failure in CI, a skip elsewhere.
set -euo pipefail

parts=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do parts+=("$1"); shift; done
[ $# -gt 1 ] || { echo "usage: tests/services.sh [postgis] [chromium] [r] -- command …" >&2; exit 2; }
shift

note() { printf 'openward tests: %s\n' "$*" >&2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/openward-tests.XXXXXX")
bin=""
as=()
finish() {
    if [ -n "$bin" ] && [ -e "$work/data/postmaster.pid" ]; then
        "${as[@]}" "$bin/pg_ctl" stop -s -m immediate -D "$work/data" || note "could not stop the cluster in $work/data"
    fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

updated=""
apt_install() {
    [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null || return 1
    export DEBIAN_FRONTEND=noninteractive
    if [ -z "$updated" ]; then
        apt-get update -qq </dev/null >"$work/apt.log" 2>&1 || true # an old list may still do
        updated=yes
    fi
    note "installing $* …"
    apt-get install -y -qq --no-install-recommends "$@" </dev/null >"$work/apt.log" 2>&1 && return
    note "apt-get install $* failed: $(grep '^E:' "$work/apt.log" | head -n 1)"
    return 1
}

# Sets `bin` to the programs of the newest PostgreSQL that has PostGIS.
find_postgis() {
    local folder version share
    while read -r folder; do
        version=$(basename "$(dirname "$folder")")
        if [ -x "$folder/initdb" ] && [ -e "/usr/share/postgresql/$version/extension/postgis.control" ]; then
            bin=$folder
            return
        fi
    done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr)
    folder=$(pg_config --bindir 2>/dev/null) && share=$(pg_config --sharedir) || return 1
    [ -x "$folder/initdb" ] && [ -e "$share/extension/postgis.control" ] && bin=$folder
}

install_postgis() {
    local dropin=/etc/postgresql-common/createcluster.d/openward-tests.conf package status=0
    # Only the software: no cluster of the system's own is to come up on port 5432.
    if [ "$(id -u)" = 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p "$(dirname "$dropin")" && echo 'create_main_cluster = false' >"$dropin"
    fi
    package=$(basename "$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -Vr | head -n 1 | sed 's,/bin/initdb$,,')")
    case $package in
    [0-9]*) apt_install "postgresql-$package-postgis-3" || apt_install postgresql-postgis || status=1 ;;
    *) apt_install postgresql-postgis || status=1 ;;
    esac
    rm -f "$dropin"
    return $status
}

start_postgis() {
    find_postgis || { install_postgis && find_postgis; } || {
        note "no PostGIS: install PostgreSQL with PostGIS (Debian: apt-get install postgresql-postgis) or set OPENWARD_TEST_POSTGIS_URL"
        return 1
    }
    local password port options
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && printf '%s\n' "$password" >"$work/password")
    if [ "$(id -u)" = 0 ]; then # the server refuses to run as root
        as=(runuser -u postgres --)
        chown -R postgres "$work"
    fi
    options="-c listen_addresses=127.0.0.1 -c unix_socket_directories=$work -c max_connections=60"
    options+=" -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c timezone=UTC"
    cd "$work" # a folder that the server's user may enter
    "${as[@]}" "$bin/initdb" -D "$work/data" -U openward --auth=scram-sha-256 --pwfile="$work/password" \
        --encoding=UTF8 --locale=C --no-sync >"$work/initdb.log" 2>&1 || {
        note "initdb failed: $(tail -n 1 "$work/initdb.log")"
        return 1
    }
    for _ in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 12000))
        if "${as[@]}" "$bin/pg_ctl" start -s -w -t 60 -D "$work/data" -l "$work/server.log" -o "-p $port $options" \
            >/dev/null 2>&1; then
            export OPENWARD_TEST_POSTGIS_URL="postgresql+psycopg://openward:$password@127.0.0.1:$port/postgres"
            return
        fi
    done
    note "PostgreSQL did not start: $(tail -n 1 "$work/server.log")"
    return 1
}

find_chromium() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null; then
            OPENWARD_TEST_CHROMIUM=$(command -v "$name")
            export OPENWARD_TEST_CHROMIUM
            return
        fi
    done
    return 1
}

here=$PWD
for part in "${parts[@]}"; do
    case $part in
    postgis) [ -n "${OPENWARD_TEST_POSTGIS_URL:-}" ] || start_postgis || true ;;
    chromium)
        [ -n "${OPENWARD_TEST_CHROMIUM:-}" ] || find_chromium ||
            { apt_install chromium fonts-dejavu-core && find_chromium; } ||
            note "no Chromium: install it (Debian: apt-get install chromium) or set OPENWARD_TEST_CHROMIUM"
        ;;
    r) command -v Rscript >/dev/null || apt_install r-base-core || note "no R: install it (Debian: apt-get install r-base-core)" ;;
    *) note "unknown part '$part'"; exit 2 ;;
    esac
    cd "$here"
done

"$@"
