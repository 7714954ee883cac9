// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

/** In which order the sums of attention are added for a row: that of tiles, or that of single rows. */
enum RowOrder {
    /** Whatever is cheaper for as many rows as come at once. */
    BY_NUMBER,
    /** Always that of tiles: the rows of a prompt. */
    TILES,
    /** Always that of single rows: the rows of an answer. */
    SINGLE_ROWS;

    /** Fewer rows than this are worth no tile, whose other rows would be computed for nothing. */
    private static final int SMALLEST_TILE = 3;

    /** Returns whether rows of a sequence that come together are added in the order of tiles. */
    boolean isOfTiles(int rows) {
        return switch (this) {
            case BY_NUMBER -> rows >= SMALLEST_TILE;
            case TILES -> true;
            case SINGLE_ROWS -> false;
        };
    }
}
