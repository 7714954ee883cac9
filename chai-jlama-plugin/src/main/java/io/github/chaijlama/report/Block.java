// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/** Something a section shows. */
public sealed interface Block permits Table, KeyValues, KeyFigures, Note, Chart, ChartGrid {}
