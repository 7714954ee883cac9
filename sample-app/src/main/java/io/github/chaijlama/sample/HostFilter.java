// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Refuses requests to names that are not this machine's own. A page of another site can give its name this machine's
 * address (DNS rebinding); its requests come from here then, and are to its own site for the browser. Only the name
 * that they were sent to tells them apart, and no page can change the header that has it.
 */
final class HostFilter extends OncePerRequestFilter {
    private static final Set<String> OWN = Set.of("localhost", "127.0.0.1", "[::1]");

    private final Set<String> allowed = new HashSet<>(OWN);

    /**
     * Creates a filter.
     *
     * @param more names that requests may be sent to, too; without ports
     */
    HostFilter(Collection<String> more) {
        more.forEach(name -> allowed.add(name.strip().toLowerCase(Locale.ROOT)));
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        // Not the server's name: forwarded headers, which pages can send, may have changed that.
        if (isAllowed(request.getHeader("Host"))) {
            chain.doFilter(request, response);
        } else {
            refuse(response);
        }
    }

    /**
     * Returns whether requests may be sent to a name.
     *
     * @param host the header, a name and maybe a port; null if there is none, which no browser leaves out
     */
    boolean isAllowed(@Nullable String host) {
        return host != null && allowed.contains(name(host).toLowerCase(Locale.ROOT));
    }

    private static String name(String host) {
        int end = host.indexOf(':', host.startsWith("[") ? host.indexOf(']') + 1 : 0);
        return end < 0 ? host : host.substring(0, end);
    }

    private static void refuse(HttpServletResponse response) throws IOException {
        int status = HttpStatus.MISDIRECTED_REQUEST.value();
        byte[] problem = """
                {"title":"Misdirected Request","status":%d,"detail":"this is for requests to localhost; \
                sample.allowed-hosts names other hosts"}""".formatted(status).getBytes(StandardCharsets.UTF_8);
        response.setStatus(status);
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        response.setContentLength(problem.length);
        response.getOutputStream().write(problem);
    }
}
