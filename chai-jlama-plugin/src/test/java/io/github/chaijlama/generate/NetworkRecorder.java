// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.net.InetAddress;
import java.net.MalformedURLException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;

/**
 * Hears of every host name this JVM looks up and, once started, of every URL it connects to, whatever proxy that is
 * told and whether it has a name or an address. Java finds it as a service (META-INF/services). Nothing that was heard
 * is forgotten: tests that run later see what tests before them have done.
 */
public final class NetworkRecorder extends InetAddressResolverProvider {
    private static final Queue<String> CONTACTS = new ConcurrentLinkedQueue<>();
    /** Where contacts go that this thread makes on purpose. */
    private static final ThreadLocal<List<String>> ON_PURPOSE = new ThreadLocal<>();

    private static boolean started;

    /** Something that contacts somebody on purpose. */
    interface Contacting {
        void run() throws IOException;
    }

    /** Listens to URLs as well as to names, from the first call on. */
    static synchronized void start() {
        if (started) {
            return;
        }
        ProxySelector.setDefault(new ProxySelector() {
            @Override
            public List<Proxy> select(URI uri) {
                record(uri.toString());
                return List.of(Proxy.NO_PROXY);
            }

            @Override
            public void connectFailed(URI uri, SocketAddress address, IOException e) {}
        });
        // These know Java's own handlers; a URL that is made on their base has the same.
        Map<String, URL> bases = new HashMap<>();
        try {
            for (String protocol : List.of("http", "https", "ftp")) {
                bases.put(protocol, URI.create(protocol + "://chai.invalid/").toURL());
            }
        } catch (MalformedURLException e) {
            throw new IllegalStateException(e);
        }
        URL.setURLStreamHandlerFactory(
                protocol -> bases.containsKey(protocol) ? new Recording(bases.get(protocol)) : null);
        started = true;
    }

    /** Returns whom this JVM has contacted since it started, but for contacts on purpose. */
    static List<String> contacts() {
        return List.copyOf(CONTACTS);
    }

    /** Returns whom an action contacts on purpose. */
    static List<String> contactsOf(Contacting action) throws IOException {
        List<String> contacts = new ArrayList<>();
        ON_PURPOSE.set(contacts);
        try {
            action.run();
        } finally {
            ON_PURPOSE.remove();
        }
        return contacts;
    }

    /** Takes back one contact that was on purpose, on a thread that could not say so. */
    static void forgive(String contact) {
        CONTACTS.removeIf(contact::equals);
    }

    /** The JDK names a cache file of its fonts after the machine, whose own name it looks up; nobody is contacted. */
    private static boolean isForFonts() {
        return StackWalker.getInstance().walk(
                frames -> frames.anyMatch(frame -> frame.getClassName().equals("sun.font.FcFontConfiguration")));
    }

    private static void record(String contact) {
        if (isForFonts()) {
            return;
        }
        List<String> onPurpose = ON_PURPOSE.get();
        if (onPurpose == null) {
            CONTACTS.add(contact);
        } else {
            onPurpose.add(contact);
        }
    }

    /** Records a connection that is opened and leaves the rest to Java. */
    private static final class Recording extends URLStreamHandler {
        private final URL base;

        Recording(URL base) {
            this.base = base;
        }

        @Override
        protected URLConnection openConnection(URL url) throws IOException {
            record(url.toString());
            return withJavasHandler(url).openConnection();
        }

        @Override
        protected URLConnection openConnection(URL url, Proxy proxy) throws IOException {
            record(url.toString());
            return withJavasHandler(url).openConnection(proxy);
        }

        @Override
        protected int getDefaultPort() {
            return base.getDefaultPort();
        }

        @SuppressWarnings("deprecation") // the only way to a URL with the handler of another
        private URL withJavasHandler(URL url) throws MalformedURLException {
            return new URL(base, url.toString());
        }
    }

    @Override
    public InetAddressResolver get(Configuration configuration) {
        InetAddressResolver builtin = configuration.builtinResolver();
        return new InetAddressResolver() {
            @Override
            public Stream<InetAddress> lookupByName(String host, LookupPolicy policy) throws UnknownHostException {
                record(host);
                return builtin.lookupByName(host, policy);
            }

            @Override
            public String lookupByAddress(byte[] address) throws UnknownHostException {
                return builtin.lookupByAddress(address);
            }
        };
    }

    @Override
    public String name() {
        return "records";
    }
}
