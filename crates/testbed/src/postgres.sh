# Runs a PostgreSQL of its own for as long as its standard input is open, that is, for as long as whoever started it
# lives, however that ends. Says the directory of its socket on one line when it is ready.
#
# usage: sh postgres.sh PORT [durable]; it syncs its files only when durable; exit 3 when this machine has no PostgreSQL
set -eu
# The terminal's Ctrl-C is for the tests; what ends this is the end of its input.
trap '' HUP INT TERM

port=$1
bin=
for candidate in $(ls -d /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null \
    | sort -rV) $(dirname "$(command -v initdb || echo /nowhere/initdb)"); do
    if [ -x "$candidate/initdb" ] && [ -x "$candidate/pg_ctl" ] && [ -x "$candidate/postgres" ]; then
        bin=$candidate
        break
    fi
done
[ -n "$bin" ] || exit 3

# PostgreSQL refuses to run as root.
user=
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
fi
as_user() {
    if [ -z "$user" ]; then
        "$@"
    elif command -v setpriv >/dev/null; then
        setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
    else
        runuser -u "$user" -- "$@"
    fi
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/ordain-postgres.XXXXXX")
[ -z "$user" ] || chown "$user" "$dir"
cd "$dir"
trap 'as_user "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT

# Sorted as people do, where it can: whatever counts on the order of bytes must say so in its SQL.
as_user "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-sync --locale=C \
    --locale-provider=icu --icu-locale=en >"$dir/initdb.log" 2>&1 || {
    rm -rf "$dir/data"
    as_user "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-sync --locale=C >"$dir/initdb.log" 2>&1
} || {
    cat "$dir/initdb.log" >&2
    exit 1
}
options="-p $port -h 127.0.0.1 -k $dir -c max_connections=500"
[ "${2-}" = durable ] || options="$options -c fsync=off -c full_page_writes=off"
as_user "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -o "$options" -w start >/dev/null || {
    cat "$dir/log" >&2
    exit 1
}
echo "$dir"
cat >/dev/null
