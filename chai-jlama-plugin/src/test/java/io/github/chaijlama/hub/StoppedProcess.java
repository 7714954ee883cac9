// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.util.List;
import java.util.Map;

import com.sun.jdi.AbsentInformationException;
import com.sun.jdi.Bootstrap;
import com.sun.jdi.IncompatibleThreadStateException;
import com.sun.jdi.ObjectReference;
import com.sun.jdi.ReferenceType;
import com.sun.jdi.StackFrame;
import com.sun.jdi.StringReference;
import com.sun.jdi.VirtualMachine;
import com.sun.jdi.connect.Connector;
import com.sun.jdi.connect.ListeningConnector;
import com.sun.jdi.event.BreakpointEvent;
import com.sun.jdi.event.ClassPrepareEvent;
import com.sun.jdi.event.Event;
import com.sun.jdi.event.EventSet;
import com.sun.jdi.request.ClassPrepareRequest;
import com.sun.jdi.request.EventRequestManager;

/** A Java process that stands still at a place of its code, by the debugger's interface: as it is, without hooks. */
final class StoppedProcess {
    private static final int TIMEOUT_MILLIS = 120_000;

    private StoppedProcess() {}

    /**
     * A place of the code.
     *
     * @param type   name of a class
     * @param method its method, at whose beginning the process stops
     * @param caller part of the name of the class that must have called it
     * @param file   name of the file that the object must be about, in its field {@code file}; empty for any
     * @param hit    which time it gets there, from 1
     */
    record Place(String type, String method, String caller, String file, int hit) {
        static Place of(Class<?> type, String method) {
            return new Place(type.getName(), method, "", "", 1);
        }

        Place calledBy(Class<?> by) {
            return new Place(type, method, by.getName(), file, hit);
        }

        Place ofFile(String name) {
            return new Place(type, method, caller, name, hit);
        }

        Place atHit(int number) {
            return new Place(type, method, caller, file, number);
        }
    }

    /** Starts a Java process that a debugger can stop. */
    interface Launcher {
        /** Starts one with an argument of the JVM. */
        Process start(String jvmArgument) throws IOException;
    }

    /** Starts a process and returns when it has stopped at a place; all its threads stand still then. */
    static Process start(Launcher launcher, Place place) throws Exception {
        ListeningConnector connector = Bootstrap.virtualMachineManager().listeningConnectors().stream()
                .filter(each -> each.name().equals("com.sun.jdi.SocketListen")).findFirst().orElseThrow();
        Map<String, Connector.Argument> arguments = connector.defaultArguments();
        arguments.get("localAddress").setValue("127.0.0.1");
        arguments.get("port").setValue("0");
        arguments.get("timeout").setValue(Integer.toString(TIMEOUT_MILLIS));
        String address = connector.startListening(arguments);
        try {
            String port = address.substring(address.lastIndexOf(':') + 1);
            Process process = launcher.start(
                    "-agentlib:jdwp=transport=dt_socket,server=n,suspend=y,address=127.0.0.1:" + port);
            boolean stopped = false;
            try {
                run(connector.accept(arguments), place);
                stopped = true;
                return process;
            } finally {
                if (!stopped) {
                    process.destroyForcibly();
                }
            }
        } finally {
            connector.stopListening(arguments);
        }
    }

    private static void run(VirtualMachine machine, Place place) throws Exception {
        EventRequestManager requests = machine.eventRequestManager();
        List<ReferenceType> loaded = machine.classesByName(place.type());
        if (loaded.isEmpty()) {
            ClassPrepareRequest prepared = requests.createClassPrepareRequest();
            prepared.addClassFilter(place.type());
            prepared.enable();
        }
        loaded.forEach(type -> stopIn(type, place, requests));
        int hits = 0;
        while (true) { // the first event is that it has started, and stands still
            EventSet events = machine.eventQueue().remove(TIMEOUT_MILLIS);
            if (events == null) {
                throw new IllegalStateException("it never got to " + place);
            }
            for (Event event : events) {
                if (event instanceof ClassPrepareEvent prepared) {
                    stopIn(prepared.referenceType(), place, requests);
                } else if (event instanceof BreakpointEvent stopped && isThere(stopped, place)
                        && ++hits == place.hit()) {
                    return;
                }
            }
            events.resume();
        }
    }

    private static void stopIn(ReferenceType type, Place place, EventRequestManager requests) {
        type.methodsByName(place.method())
                .forEach(method -> requests.createBreakpointRequest(method.location()).enable());
    }

    private static boolean isThere(BreakpointEvent stopped, Place place)
            throws IncompatibleThreadStateException, AbsentInformationException {
        StackFrame frame = stopped.thread().frame(0);
        if (!place.file().isEmpty() && !place.file().equals(file(frame.thisObject()))) {
            return false;
        }
        return stopped.thread().frame(1).location().declaringType().name().startsWith(place.caller());
    }

    private static String file(ObjectReference object) {
        ObjectReference file = (ObjectReference) object.getValue(object.referenceType().fieldByName("file"));
        return ((StringReference) file.getValue(file.referenceType().fieldByName("path"))).value();
    }
}
