#!/bin/bash
# How long the sample takes to be ready, and to its first answer, in the ways to start it that docs/startup.md has. In
# the repository's root, after mvn -pl sample-app -am package:
#   JAVA_HOME=.. sample-app/src/test/scripts/startup.sh prepare DIRECTORY      # extracts, and runs for the caches
#   JAVA_HOME=.. sample-app/src/test/scripts/startup.sh measure DIRECTORY 5    # runs, one of each way in turn
set -eu
java=$JAVA_HOME/bin/java
port=18080
question='{"conversationId":"a","message":"Tell me a story about a fox named Ruby."}'
application=(--server.port=$port --sample.conversations.store=memory)
flags=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED)

ready() { until (exec 3<>/dev/tcp/localhost/$port) 2>/dev/null; do sleep 0.01; done; }
ask() {
    curl -sf -H "Content-Type: application/json" -d "$question" localhost:$port/api/chat | grep -q "finishReason"
}

# Runs the sample until it has answered, as often as said, and ends it as containers are ended.
training() { # answers, arguments of java
    local answers=$1
    shift
    "$java" "${flags[@]}" "$@" "${application[@]}" >training.log 2>&1 &
    local pid=$!
    ready
    for ((i = 0; i < answers; i++)); do ask; done
    kill $pid
    wait $pid || true
}

prepare() {
    mkdir -p "$1"
    cp sample-app/target/sample-app-*.jar "$1/fat.jar"
    cd "$1"
    "$java" -Djarmode=tools -jar fat.jar extract --layers --destination layers --application-filename app.jar
    mkdir -p extracted
    for layer in dependencies spring-boot-loader snapshot-dependencies application; do # as the Dockerfile does
        cp -r layers/$layer/. extracted/
    done
    cd extracted
    training 0 -XX:ArchiveClassesAtExit=app.jsa -jar app.jar
    training 0 -XX:AOTCacheOutput=start.aot -jar app.jar
    training 10 -XX:AOTCacheOutput=answers.aot -jar app.jar
    ls -l ./*.jsa ./*.aot
}

now() { date +%s%N; }
run() { # a name, arguments of java
    local name=$1 start pid readied answered
    shift
    start=$(now)
    "$java" "${flags[@]}" "$@" "${application[@]}" >run.log 2>&1 &
    pid=$!
    ready
    readied=$(now)
    ask
    answered=$(now)
    echo "$name $(((readied - start) / 1000000)) $(((answered - start) / 1000000))" \
        "$(($(awk '/VmRSS/ {print $2}' /proc/$pid/status) / 1024))"
    kill $pid
    wait $pid || true
}

measure() {
    cd "$1"
    for ((round = 0; round < $2; round++)); do
        run fat -jar fat.jar
        cd extracted
        run extracted -jar app.jar
        run virtual -Dspring.threads.virtual.enabled=true -jar app.jar
        run cds -XX:SharedArchiveFile=app.jsa -jar app.jar
        run aot-start -XX:AOTCache=start.aot -jar app.jar
        run aot-answers -XX:AOTCache=answers.aot -jar app.jar
        cd ..
    done | tee runs.txt | sort -k1,1 -s | awk -v rounds="$2" '
        function median(column, values, i, j, t) {
            for (i = 1; i <= n; i++) values[i] = row[i, column]
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && values[j - 1] > values[j]; j--) {
                    t = values[j]; values[j] = values[j - 1]; values[j - 1] = t
                }
            return values[int((n + 1) / 2)] " (" values[1] " to " values[n] ")"
        }
        function flush() {
            if (n) print "| " name " | " median(2) " | " median(3) " | " median(4) " |"
            n = 0
        }
        $1 != name { flush(); name = $1 }
        { n++; for (c = 2; c <= 4; c++) row[n, c] = $c + 0 }
        END { flush() }'
}

"$@"
