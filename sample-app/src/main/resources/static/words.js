/** Finds the words in which two texts differ. */

const MOST = 4_000_000; // of comparisons; longer texts are shown without marks

/** Returns the words of a text, each with the space behind it. */
function words(text) {
  return text.match(/\s*\S+\s*/g) ?? [];
}

/**
 * Returns both texts as lists of [words, whether they differ], by their longest common subsequence, and how many words
 * differ.
 */
export function differences(left, right) {
  const a = words(left);
  const b = words(right);
  if (a.length * b.length > MOST) {
    return { left: [[left, false]], right: [[right, false]], different: null, words: Math.max(a.length, b.length) };
  }
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i].trim() === b[j].trim() ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const sides = { left: [], right: [] };
  const add = (side, word, differs) => {
    const last = sides[side].at(-1);
    if (last && last[1] === differs) {
      last[0] += word;
    } else {
      sides[side].push([word, differs]);
    }
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i].trim() === b[j].trim()) {
      add("left", a[i++], false);
      add("right", b[j++], false);
    } else if (j === b.length || i < a.length && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
      add("left", a[i++], true);
    } else {
      add("right", b[j++], true);
    }
  }
  const same = common[0];
  return { ...sides, different: Math.max(a.length, b.length) - same, words: Math.max(a.length, b.length) };
}
