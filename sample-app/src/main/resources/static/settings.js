/** The settings of the conversation that is open. */
import { byId } from "./api.js";

const FIELDS = { temperature: "temperature", topP: "top-p", maxTokens: "max-tokens", seed: "seed" };

let byDefault = "CLUSTERED";
let canCluster = true;

function say() {
  byId("chai-says").textContent = !canCluster ? "this model was started without a cluster profile"
    : byId("chai").checked ? "heads that attend alike share their work" : "off: every head for itself";
}

/** Takes over what the application can do. */
export function setUp(info) {
  byDefault = info.attention;
  canCluster = info.canCluster && info.attention !== "STOCK";
  byId("chai").disabled = !canCluster;
  byId("chai").addEventListener("change", say);
  show(null);
}

/** Shows a conversation's settings, or the defaults. */
export function show(settings) {
  byId("chai").checked = (settings?.attention ?? byDefault) === "CLUSTERED";
  for (const [name, id] of Object.entries(FIELDS)) {
    byId(id).value = settings?.[name] ?? "";
  }
  say();
}

/** Returns what a request says, or the field that is impossible. */
export function read() {
  const settings = canCluster ? { attention: byId("chai").checked ? "CLUSTERED" : "EXACT" } : {};
  for (const [name, id] of Object.entries(FIELDS)) {
    const field = byId(id);
    if (!field.checkValidity()) {
      return { invalid: field };
    }
    if (field.value !== "") {
      settings[name] = Number(field.value);
    }
  }
  return { settings };
}
