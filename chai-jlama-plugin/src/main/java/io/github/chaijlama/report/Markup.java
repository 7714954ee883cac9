// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.RoundingMode;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * Writes HTML that is well-formed XML too, so that the JDK's XML writer does the escaping: no text can become markup.
 * For one thread.
 */
final class Markup {
    private final StringWriter text = new StringWriter();
    private final XMLStreamWriter xml;

    Markup() {
        try {
            xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(text);
        } catch (XMLStreamException e) {
            throw unexpected(e);
        }
    }

    /** Begins an element; attributes are names and values in turn. */
    Markup open(String name, Object... attributes) {
        try {
            xml.writeStartElement(name);
            attributes(attributes);
            return this;
        } catch (XMLStreamException e) {
            throw unexpected(e);
        }
    }

    /** Adds an attribute to the element that was just begun. */
    Markup attribute(String name, String value) {
        try {
            attributes(name, value);
            return this;
        } catch (XMLStreamException e) {
            throw unexpected(e);
        }
    }

    /** Ends the innermost element. */
    Markup close() {
        try {
            xml.writeEndElement();
            return this;
        } catch (XMLStreamException e) {
            throw unexpected(e);
        }
    }

    /** Writes an element that has no content, of SVG or of HTML's void elements. */
    Markup empty(String name, Object... attributes) {
        try {
            xml.writeEmptyElement(name);
            attributes(attributes);
            return this;
        } catch (XMLStreamException e) {
            throw unexpected(e);
        }
    }

    Markup text(String characters) {
        try {
            xml.writeCharacters(clean(characters));
            return this;
        } catch (XMLStreamException e) {
            throw unexpected(e);
        }
    }

    /** Writes an element with text. */
    Markup element(String name, String content, Object... attributes) {
        return open(name, attributes).text(content).close();
    }

    /**
     * Writes an element whose text a browser takes as it stands, such as a script.
     *
     * @throws IllegalArgumentException if an XML parser would read something else
     */
    Markup verbatim(String name, String content) {
        if (content.indexOf('<') >= 0 || content.indexOf('&') >= 0 || content.contains("]]>")) {
            throw new IllegalArgumentException("the text of <" + name + "> begins a tag or an entity");
        }
        open(name).text("");
        try {
            xml.flush();
        } catch (XMLStreamException e) {
            throw unexpected(e);
        }
        text.append(content);
        return close();
    }

    Markup doctype() {
        try {
            xml.writeDTD("<!DOCTYPE html>");
            return this;
        } catch (XMLStreamException e) {
            throw unexpected(e);
        }
    }

    private void attributes(Object... attributes) throws XMLStreamException {
        for (int i = 0; i < attributes.length; i += 2) {
            xml.writeAttribute(attributes[i].toString(), clean(valueOf(attributes[i + 1])));
        }
    }

    private static String valueOf(Object value) {
        return value instanceof Double number ? coordinate(number) : value.toString();
    }

    /** Returns a coordinate; a drawing needs no more than two decimals. */
    static String coordinate(double value) {
        return BigDecimal.valueOf(value).setScale(2, RoundingMode.HALF_EVEN).stripTrailingZeros().toPlainString();
    }

    /** Replaces what XML cannot hold, such as control characters and half a surrogate pair. */
    private static String clean(String characters) {
        int[] allowed = characters.codePoints().map(point -> isAllowed(point) ? point : 0xFFFD).toArray();
        return new String(allowed, 0, allowed.length);
    }

    private static boolean isAllowed(int point) {
        return point == '\t' || point == '\n' || point >= 0x20 && point < 0x7F || point > 0x9F && point < 0xD800
                || point > 0xDFFF && point < 0xFFFE || point > 0xFFFF;
    }

    @Override
    public String toString() {
        return text.toString();
    }

    private static IllegalStateException unexpected(XMLStreamException cause) {
        return new IllegalStateException("cannot write markup to memory", cause);
    }
}
