#!/bin/bash
# Two replicas of the sample behind nginx, asked by 16 clients: as they are, while one is killed, with the other one
# alone, and while the killed one starts again and is found by nginx. In the repository's root, after
# mvn -pl sample-app -am package, with options of LoadClient:
#   JAVA_HOME=.. sample-app/src/test/scripts/two-replicas.sh [--whole=true]
set -eu
nginx=$(command -v nginx || echo /usr/sbin/nginx)
java=$JAVA_HOME/bin/java
jar=$(echo sample-app/target/sample-app-*.jar)
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT

replica() { # one thread each, as if each had its own machine
    "$java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -jar "$jar" --server.port="$1" \
        --sample.conversations.store=memory --sample.conversations.remembered=100000 --chai.threads=1 \
        >>"$work/$1.log" 2>&1 &
}
ready() { until curl -sf "localhost:$1/actuator/health" >/dev/null; do sleep 0.2; done; }

touch "$work/load"
replica 8081
replica 8082
killed=$!
"$nginx" -p "$work" -c "$PWD/sample-app/nginx.conf" 2>"$work/nginx.log" &
ready 8081
ready 8082

"$java" sample-app/src/test/java/io/github/chaijlama/sample/LoadClient.java http://localhost:8080 \
    --replicas=http://localhost:8081,http://localhost:8082 --clients=16,16,16,16 --warm-up=3 \
    --seconds="${SECONDS_EACH:-12}" "$@" >"$work/load" 2>&1 &
load=$!
rows() { until [ "$(wc -l <"$work/load")" -ge $((2 + $1)) ]; do sleep 0.2; done; } # below two lines of a head
rows 1
sleep 7
kill -"${SIGNAL:-KILL}" "$killed"
rows 3
replica 8082
status=0
wait "$load" || status=$?
cat "$work/load"
echo "nginx:" && sed -E 's/^[^[]*\[(error|warn)\] [^ ]+ (\*[0-9]+ )?//; s/, client:.*//' "$work/nginx.log" |
    sort | uniq -c
exit $status
