/** Puts the page together: which view is shown, drawers on narrow screens, what answers here. */
import { byId, get, number, Refusal } from "./api.js";
import * as chat from "./chat.js";
import * as clusters from "./clusters.js";
import * as compare from "./compare.js";
import * as conversations from "./conversations.js";
import * as figures from "./figures.js";
import * as settings from "./settings.js";

const VIEWS = ["chat", "compare", "clusters"];
const DRAWERS = { list: "show-list", panel: "show-panel" };

function showView() {
  const name = location.hash.slice(1);
  if (!VIEWS.includes(name) && name !== "") {
    return; // a link within the page
  }
  const view = name || "chat";
  for (const each of VIEWS) {
    byId(each).hidden = each !== view;
    const link = document.querySelector(`.views a[href="#${each}"]`);
    if (each === view) {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  }
  if (view === "clusters") {
    clusters.open();
  }
}

function showDrawer(name, shown) {
  byId(name).classList.toggle("shown", shown);
  byId(DRAWERS[name]).setAttribute("aria-expanded", String(shown));
  byId("shade").hidden = !document.querySelector(".drawer.shown");
  if (shown) {
    byId(name).querySelector("button:not(:disabled), input:not(:disabled)")?.focus();
  }
}

function closeDrawers() {
  for (const [name, button] of Object.entries(DRAWERS)) {
    if (byId(name).classList.contains("shown")) {
      showDrawer(name, false);
      byId(button).focus();
    }
  }
}

function showFacts(info) {
  const name = info.model.charAt(0).toUpperCase() + info.model.slice(1);
  byId("model-name").textContent = name;
  document.title = `Chat with ${name}`;
  const attention = info.attention === "CLUSTERED" ? "clustered attention (CHAI)" : `${info.attention.toLowerCase()} attention`;
  byId("model-facts").textContent = `${number(info.parameters / 1e6, 1)} million parameters in this Java process · `
    + `${attention} · context ${number(info.contextLength)} tokens`;
}

async function begin() {
  for (const [name, button] of Object.entries(DRAWERS)) {
    byId(button).addEventListener("click", () => showDrawer(name, !byId(name).classList.contains("shown")));
  }
  byId("shade").addEventListener("click", closeDrawers);
  document.querySelectorAll(".close").forEach(button => button.addEventListener("click", closeDrawers));
  document.addEventListener("keydown", event => {
    if (event.key === "Escape" && !byId("delete").open) {
      closeDrawers();
    }
  });
  document.addEventListener("show-panel", () => showDrawer("panel", true));
  byId("fresh").addEventListener("click", () => {
    closeDrawers();
    location.hash = "#chat";
    conversations.begin();
  });
  conversations.onOpen(closeDrawers);
  window.addEventListener("hashchange", showView);
  chat.start();
  clusters.start();
  try {
    const info = await get("api/info");
    showFacts(info);
    settings.setUp(info);
    compare.start(info);
    await conversations.start();
  } catch (error) {
    byId("status").textContent = error instanceof Refusal ? error.message : "The page made a mistake.";
  }
  showView();
  figures.watch();
  byId("message").focus();
}

begin();
