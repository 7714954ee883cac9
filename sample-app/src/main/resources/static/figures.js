/** What answers took, and what the model does now. */
import { bytes, byId, element, get, number, rate } from "./api.js";

const IDLE_MILLIS = 4000;
const BUSY_MILLIS = 700;

let busy = false;

/** Returns keys and values apart: values are the same in both, keys are what clusters save. */
function parts(total, exact) {
  const values = exact / 2;
  return { keys: total - values, values };
}

function bar(name, total, exact, className) {
  const { keys, values } = parts(total, exact);
  const label = element("div", { className: "bar-label" }, element("span", { textContent: name }),
    element("strong", { textContent: bytes(total) }));
  const track = element("div", { className: `track ${className}` });
  for (const [part, what] of [[keys, "keys"], [values, "values"]]) {
    const piece = element("span", { title: `${what} ${bytes(part)}` });
    piece.style.width = `${100 * part / exact}%`;
    track.append(piece);
  }
  return element("div", {}, label, track,
    element("div", { className: "note", textContent: `keys ${bytes(keys)}, values ${bytes(values)}` }));
}

/** Shows bytes of exact and clustered attention for the same tokens. */
export function showBars(target, exact, used, clustered) {
  if (used === null) {
    target.replaceChildren(element("p", { className: "note", textContent: "Jlama's own attention does not tell." }));
    return;
  }
  if (exact === null) {
    target.replaceChildren(element("p", { className: "note", textContent: `${bytes(used)} in all.` }));
    return;
  }
  const bars = [bar("Exact", exact, exact, "exact")];
  if (clustered) {
    bars.push(bar("Clustered", used, exact, "clustered"),
      element("p", { className: "note", textContent: `${number(100 * (1 - used / exact), 1)} % less` }));
  }
  target.replaceChildren(...bars);
}

/** Shows what an answer took. */
export function showReply(reply) {
  const speed = rate(reply);
  byId("rate").textContent = speed === null ? "–" : number(speed);
  byId("first").textContent = number(reply.timeToFirstTokenMillis);
  byId("tokens").textContent = `${number(reply.promptTokens)} + ${number(reply.generatedTokens)}`;
  byId("attention").textContent = reply.attention.toLowerCase();
  showBars(byId("bars"), reply.exactKvCacheBytes, reply.kvCacheBytes, reply.attention === "CLUSTERED");
}

/** Shows tokens a second while an answer comes. */
export function showProgress(tokens, millis) {
  if (tokens > 1 && millis > 0) {
    byId("rate").textContent = number(1000 * (tokens - 1) / millis);
  }
}

export function setBusy(value) {
  busy = value;
  if (value) {
    poll();
  }
}

function ago(seconds) {
  return seconds < 2 ? "just now" : seconds < 100 ? `${number(seconds)} s ago`
    : seconds < 6000 ? `${number(seconds / 60)} min ago` : `${number(seconds / 3600)} h ago`;
}

/** Says in words what the bound makes of the divergence. */
function judge({ checked, meanKl, maxKl }) {
  if (checked === 0) {
    return "Nothing was compared yet: ask something, with CHAI on.";
  }
  if (maxKl === null) {
    return "";
  }
  const bound = maxKl.toLocaleString("en", { maximumSignificantDigits: 3 });
  return meanKl > maxKl ? `Beyond the bound of ${bound} nats: clusters change these answers more than they should.`
    : `Within the bound of ${bound} nats.`;
}

/** Shows what comparing answers with exact attention has shown, if that is switched on. */
function showDrift(drift) {
  byId("drift").hidden = drift === null;
  if (drift === null) {
    return;
  }
  byId("drift-kl").textContent = drift.meanKl === null ? "–" : number(drift.meanKl, 4);
  byId("drift-agreement").textContent = drift.agreement === null ? "–" : number(100 * drift.agreement, 1);
  byId("drift-checked").textContent = number(drift.checked);
  byId("drift-last").textContent = drift.secondsAgo === null ? "–" : ago(drift.secondsAgo);
  byId("drift-says").textContent = judge(drift);
  byId("drift").classList.toggle("beyond", drift.maxKl !== null && drift.meanKl > drift.maxKl);
}

async function poll() {
  try {
    const now = await get("api/figures");
    if (now) {
      byId("running").textContent = number(now.running);
      byId("waiting").textContent = number(now.waiting);
      byId("memory").textContent = `Keys and values of all requests, those kept for later ones included: `
        + `${bytes(now.kvCacheBytes)} of ${bytes(now.kvCacheLimit)}.`;
      showDrift(now.drift);
    }
  } catch {
    byId("running").textContent = byId("waiting").textContent = "–";
  }
}

export function watch() {
  const tick = async () => {
    if (document.visibilityState === "visible") {
      await poll();
    }
    setTimeout(tick, busy ? BUSY_MILLIS : IDLE_MILLIS);
  };
  tick();
}
