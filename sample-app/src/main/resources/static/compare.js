/** One question, exact and clustered. */
import { bytes, byId, element, number, rate, Refusal, stream } from "./api.js";
import { currentId } from "./conversations.js";
import { suggest } from "./chat.js";
import * as settings from "./settings.js";
import { differences } from "./words.js";

const QUESTIONS = ["Please write a story about Milo the bear.", "Tell me a story about a mouse named Alice.",
  "What comes after Monday?"];
const SIDES = { EXACT: "exact-text", CLUSTERED: "clustered-text" };

/** Below it one unit more or less is a tenth and above. */
const LEAST_THAT_COMPARES = 10;

let running = null;

function marked(target, pieces) {
  target.replaceChildren(...pieces.flatMap(([text, differs]) => differs
    ? [element("mark", { textContent: text.trimEnd() }), text.slice(text.trimEnd().length)] : [text]));
}

function change(exact, clustered) {
  if (!exact || clustered === null) {
    return "";
  }
  if (exact < LEAST_THAT_COMPARES && clustered < LEAST_THAT_COMPARES && exact !== clustered) {
    return "≈"; // whole milliseconds, or few tokens: a percentage would only be of the rounding
  }
  const percent = 100 * (clustered / exact - 1);
  return `${percent > 0 ? "+" : percent < 0 ? "−" : "±"}${number(Math.abs(percent), 1)} %`;
}

function table(exact, clustered) {
  const rows = [
    ["First token", reply => reply.timeToFirstTokenMillis, value => `${number(value)} ms`],
    ["Whole answer", reply => reply.durationMillis, value => `${number(value)} ms`],
    ["Tokens a second", rate, value => number(value)],
    ["Tokens, question and answer", reply => reply.promptTokens + reply.generatedTokens, value => number(value)],
    ["Bytes of keys and values", reply => reply.kvCacheBytes, bytes],
  ];
  const cell = (value, show) => element("td", { textContent: value === null ? "–" : show(value) });
  const heading = (text, scope) => element("th", { textContent: text, scope });
  return element("table", {},
    element("thead", {}, element("tr", {}, element("td"), heading("Exact", "col"), heading("Clustered", "col"),
      heading("Difference", "col"))),
    element("tbody", {}, ...rows.map(([name, value, show]) => element("tr", {}, heading(name, "row"),
      cell(value(exact), show), cell(value(clustered), show),
      element("td", { textContent: change(value(exact), value(clustered)) })))));
}

function show(replies, rounds) {
  const { EXACT: exact, CLUSTERED: clustered } = replies;
  const found = differences(exact.reply, clustered.reply);
  marked(byId("exact-text"), found.left);
  marked(byId("clustered-text"), found.right);
  byId("verdict").textContent = exact.reply === clustered.reply ? "Both answers are the same, word for word."
    : found.different === null ? "The answers differ."
      : `The answers differ: ${number(found.different)} of ${number(found.words)} words.`;
  byId("measures").replaceChildren(table(exact, clustered));
  byId("measures").hidden = false;
  byId("compare-note").textContent = rounds > 1
    ? `Each side ran ${rounds} times, in turns; its better times count. Nothing calculated before was reused.`
    : "Each side ran once. Nothing calculated before was reused.";
  byId("compare-note").hidden = false;
}

async function compare(question) {
  if (running || !question.trim()) {
    return;
  }
  const { settings: chosen, invalid } = settings.read();
  if (invalid) {
    document.dispatchEvent(new CustomEvent("show-panel"));
    invalid.reportValidity();
    return;
  }
  byId("question").value = question;
  running = new AbortController();
  const button = byId("compare-start");
  button.disabled = true;
  byId("sides").hidden = false;
  byId("measures").hidden = byId("compare-note").hidden = true;
  Object.values(SIDES).forEach(id => byId(id).replaceChildren());
  byId("verdict").textContent = "Asking with exact attention …";
  let ended = false;
  try {
    await stream("api/compare", { conversationId: currentId(), message: question, settings: chosen }, running.signal,
      (event, data) => {
        if (event === "token") {
          byId(SIDES[data.attention]).append(data.text);
        } else if (event === "side") {
          byId("verdict").textContent = data.attention === "EXACT" ? "Asking with clusters …" : "Once more for the times …";
        } else if (event === "done") {
          ended = true;
          show(data.replies, data.rounds);
        } else if (event === "error") {
          ended = true;
          byId("verdict").textContent = data.error;
        }
      });
    if (!ended) {
      byId("verdict").textContent = "The comparison broke off.";
    }
  } catch (error) {
    byId("verdict").textContent = error instanceof Refusal ? error.message : "The page made a mistake.";
  } finally {
    running = null;
    button.disabled = false;
  }
}

export function start(info) {
  suggest(byId("compare-suggestions"), QUESTIONS, compare);
  if (!info.canCluster) {
    byId("compare-start").disabled = true;
    byId("compare-suggestions").hidden = true;
    byId("verdict").textContent = "This model was started without a cluster profile: there is nothing to compare.";
    return;
  }
  byId("compare-form").addEventListener("submit", event => {
    event.preventDefault();
    compare(byId("question").value);
  });
}
