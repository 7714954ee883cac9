/** The clusters of the conversation that is open, as a picture. */
import { bytes, byId, element, get, number, Refusal } from "./api.js";
import { currentId, onOpen } from "./conversations.js";

const GOLDEN_ANGLE = 137.508;

let shownFor = null;

/** Letters for clusters: A to Z, then A1 and so on. */
function letter(cluster) {
  return String.fromCharCode(65 + cluster % 26) + (cluster < 26 ? "" : Math.floor(cluster / 26));
}

function describe(layer, heads, index) {
  const head = heads[index];
  const members = heads.map((other, i) => [other, i]).filter(([other]) => other.cluster === head.cluster)
    .map(([, i]) => i + 1);
  const card = byId("head");
  const lines = [element("h3", { textContent: `Layer ${layer + 1}, head ${index + 1}` })];
  if (members.length === 1) {
    lines.push(element("p", { textContent: "Alone: it keeps its own keys and computes its own scores." }));
  } else if (head.representative === index) {
    lines.push(element("p", { textContent: `Represents heads ${members.join(", ")}: its attention serves them all.` }));
  } else {
    lines.push(element("p", { className: "big", textContent: `${number(100 * head.similarity, 1)} %` }),
      element("p", { textContent: `alike: the cosine similarity of its attention and that of head `
        + `${head.representative + 1}, whose attention it takes.` }));
  }
  card.replaceChildren(...lines);
  card.hidden = false;
}

function tile(layer, heads, index) {
  const head = heads[index];
  const represents = head.representative === index;
  const alone = heads.every((other, i) => i === index || other.cluster !== head.cluster);
  const button = element("button", { type: "button", tabIndex: -1,
    className: `tile${represents ? " representative" : ""}${alone ? " alone" : ""}` });
  button.style.setProperty("--hue", String(Math.round(170 + head.cluster * GOLDEN_ANGLE) % 360));
  const likeness = alone || represents ? "" : `, ${number(100 * head.similarity, 1)} % like head ${head.representative + 1}`;
  button.setAttribute("aria-label", `Layer ${layer + 1}, head ${index + 1}: cluster ${letter(head.cluster)}`
    + (alone ? ", alone" : represents ? ", representative" : likeness));
  button.append(letter(head.cluster));
  if (!alone && !represents) {
    const bar = element("span", { className: "alike" }, element("span"));
    bar.firstChild.style.width = `${100 * Math.max(0, head.similarity)}%`;
    button.append(bar);
  }
  const choose = () => {
    byId("layers").querySelectorAll("[aria-current]").forEach(other => {
      other.removeAttribute("aria-current");
      other.tabIndex = -1;
    });
    button.setAttribute("aria-current", "true");
    button.tabIndex = 0;
    describe(layer, heads, index);
  };
  button.addEventListener("focus", choose);
  button.addEventListener("pointerenter", choose);
  button.addEventListener("click", choose);
  return button;
}

function show(picture) {
  byId("layers").replaceChildren(...picture.layers.map(({ heads, clusters }, layer) => {
    const saved = heads.length - clusters;
    return element("div", { className: "layer" },
      element("div", { className: "layer-name" }, `Layer ${layer + 1}`,
        element("small", { textContent: saved === 0 ? "exact" : `${clusters} of ${heads.length}` })),
      element("div", { className: "heads" }, ...heads.map((head, index) => tile(layer, heads, index))));
  }));
  const shared = [...byId("layers").querySelectorAll(".tile:not(.alone):not(.representative)")];
  const first = shared[0] ?? byId("layers").querySelector(".tile");
  if (first) {
    first.tabIndex = 0;
  }
  byId("clusters-status").textContent = `${number(shared.length)} of ${number(picture.layers.length
    * picture.layers[0].heads.length)} heads take another one's attention. ${number(picture.tokens)} tokens: `
    + `${bytes(picture.clusteredKvCacheBytes)} of keys and values, exact ${bytes(picture.exactKvCacheBytes)}.`;
}

async function load() {
  const id = currentId();
  shownFor = id;
  byId("head").hidden = true;
  byId("clusters-status").textContent = "Running this conversation once exact and once clustered …";
  try {
    const picture = await get(`api/conversations/${encodeURIComponent(id)}/clusters`);
    if (id === currentId()) {
      show(picture);
    }
  } catch (error) {
    if (id === currentId()) {
      byId("layers").replaceChildren();
      byId("clusters-status").textContent = error instanceof Refusal ? error.message : "The page made a mistake.";
    }
  }
}

/** Shows the picture of the conversation that is open, as far as it has come. */
export function open() {
  load();
}

function move(event) {
  const tiles = [...byId("layers").querySelectorAll(".tile")];
  const at = tiles.indexOf(document.activeElement);
  if (at < 0) {
    return;
  }
  const width = tiles[at].parentElement.childElementCount;
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + width, ArrowUp: at - width,
    Home: at - at % width, End: at - at % width + width - 1 }[event.key];
  if (to !== undefined && tiles[to]) {
    event.preventDefault();
    tiles[to].focus();
  }
}

export function start() {
  byId("layers").addEventListener("keydown", move);
  onOpen(() => {
    if (!byId("clusters").hidden && shownFor !== currentId()) {
      load();
    }
  });
}
