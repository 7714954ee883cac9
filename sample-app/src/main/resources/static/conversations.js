/** The list of conversations, and which one is open. */
import { byId, element, get, newId, remove } from "./api.js";

const SVG = "http://www.w3.org/2000/svg";
const TRASH = "M4 6h12M8 6V4h4v2m-6 0l1 10h6l1-10";

/** The conversation that was open when this page was loaded the last time. */
const last = sessionStorage.getItem("conversation");

let current = newId();
let listed = [];
let kept = true;
const listeners = [];

/** Returns the id of the conversation that is open. */
export function currentId() {
  return current;
}

/** Calls back when another conversation is open: with what is known of it, null for a new one. */
export function onOpen(listener) {
  listeners.push(listener);
}

function open(id, conversation) {
  current = id;
  sessionStorage.setItem("conversation", id);
  show();
  listeners.forEach(listener => listener(conversation));
}

export function begin() {
  open(newId(), null);
}

/** Asks for the list again: after an answer, which may have begun a conversation. */
export async function refresh() {
  const list = await get("api/conversations");
  listed = list.conversations;
  sessionStorage.setItem("conversation", current);
  const notice = byId("notice");
  notice.hidden = !list.notice;
  notice.textContent = list.notice ?? "";
  kept = !list.notice;
  show();
}

function show() {
  const list = byId("conversations");
  if (listed.length === 0) {
    list.replaceChildren(element("li", { className: "none note",
      textContent: kept ? "None yet. They stay here after a restart." : "None yet." }));
    return;
  }
  list.replaceChildren(...listed.map(({ id, title }) => {
    const open = element("button", { type: "button", className: "open", textContent: title || "Untitled", title });
    open.addEventListener("click", () => load(id));
    const bin = element("button", { type: "button", className: "icon remove" });
    bin.setAttribute("aria-label", `Delete ${title || "untitled"}`);
    bin.append(trash());
    bin.addEventListener("click", () => confirmDelete(id, title));
    const item = element("li", { className: id === current ? "current" : "" }, open, bin);
    if (id === current) {
      open.setAttribute("aria-current", "true");
    }
    return item;
  }));
}

function trash() {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", TRASH);
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 20 20");
  picture.setAttribute("aria-hidden", "true");
  picture.append(path);
  return picture;
}

async function load(id) {
  try {
    open(id, await get(`api/conversations/${encodeURIComponent(id)}`));
  } catch {
    await refresh(); // it has expired, or another window has deleted it
  }
}

function confirmDelete(id, title) {
  const dialog = byId("delete");
  byId("delete-what").textContent = title;
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue === "delete") {
      await remove(`api/conversations/${encodeURIComponent(id)}`);
      await refresh();
      if (id === current) {
        begin();
      }
      byId("fresh").focus();
    }
  }, { once: true });
  dialog.returnValue = "keep";
  dialog.showModal();
}

let settle;

/** Done when this browser has its name, without which it would not see its conversations again. */
export const ready = new Promise(resolve => {
  settle = resolve;
});

/** Shows the list, and the conversation that was open when this page was loaded the last time. */
export async function start() {
  try {
    await restore();
  } finally {
    settle();
  }
}

async function restore() {
  await refresh();
  if (listed.some(({ id }) => id === last)) {
    await load(last);
  }
}
