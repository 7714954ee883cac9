// SPDX-License-Identifier: Apache-2.0
/**
 * Pages of results as one HTML file that needs nothing else.
 *
 * <p>A {@link io.github.chaijlama.report.Report} is a document of immutable records: sections with tables, charts and
 * notes. {@link io.github.chaijlama.report.HtmlReport} writes it. Charts are SVG that is drawn here and coloured by the
 * style sheet, so they follow the reader's light or dark theme, print sharply, stay small for a model of 80 layers, and
 * need no script to be read. One small script shows the values of marks and hides series; the page's content security
 * policy allows it by its digest and forbids every other, and every network access. A script library in the page would
 * weigh a megabyte and ask for more.
 *
 * <p>Nothing here knows a model or a result; who has one says in these records what is to be seen of it. Every type is
 * safe for use by many threads.
 */
@NullMarked
package io.github.chaijlama.report;

import org.jspecify.annotations.NullMarked;
