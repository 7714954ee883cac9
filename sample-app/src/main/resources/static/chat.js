const messages = document.getElementById("messages");
const form = document.getElementById("form");
const input = document.getElementById("message");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const status = document.getElementById("status");
const suggestions = document.getElementById("suggestions");

const FIRST = ["Tell me a story about a fox named Ruby.", "Hello!", "What is the opposite of big?"];
const THEN = ["Who helped Ruby?", "What did Ruby find?", "Where did Ruby go?", "How did Ruby feel?"];

let conversationId = crypto.randomUUID?.() ?? String(Math.random());
let running = null;

function number(value) {
  return value.toLocaleString("en");
}

function bytes(value) {
  return value < 1 << 20 ? `${number(Math.round(value / 1024))} KiB` : `${(value / (1 << 20)).toFixed(2)} MiB`;
}

async function showFacts() {
  const info = await (await fetch("api/info")).json();
  const facts = {
    Attention: info.attention === "CLUSTERED" ? "clustered (CHAI)" : info.attention.toLowerCase(),
    ...(info.clusters && { "Clusters per layer": info.clusters.join(" ") }),
    Operators: info.operators,
    Context: `${number(info.contextLength)} tokens`,
  };
  document.getElementById("facts").replaceChildren(...Object.entries(facts).map(([name, value]) => {
    const fact = document.createElement("div");
    fact.append(Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }));
    return fact;
  }));
}

function suggest(texts) {
  suggestions.replaceChildren(...texts.map(text => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    button.addEventListener("click", () => ask(text));
    return button;
  }));
}

function add(who, text) {
  const item = Object.assign(document.createElement("li"), { className: who });
  const bubble = Object.assign(document.createElement("div"), { className: "bubble", textContent: text });
  item.append(bubble);
  messages.append(item);
  item.scrollIntoView({ block: "end" });
  return { item, bubble };
}

function took(reply) {
  const seconds = (reply.durationMillis - reply.timeToFirstTokenMillis) / 1000;
  const rate = reply.generatedTokens > 1 && seconds > 0 ? `, ${((reply.generatedTokens - 1) / seconds).toFixed(0)} tokens/s` : "";
  return `${reply.attention.toLowerCase()} attention: ${number(reply.promptTokens)} + ${number(reply.generatedTokens)} tokens, `
    + `first after ${number(reply.timeToFirstTokenMillis)} ms${rate}, keys and values ${bytes(reply.kvCacheBytes)}`;
}

/** Calls back for every event of a server-sent event stream. */
async function readEvents(response, onEvent) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    buffer += chunk.value;
    const events = buffer.split("\n\n");
    buffer = events.pop();
    for (const event of events) {
      const fields = Object.fromEntries(event.split("\n").map(line => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1)];
      }));
      onEvent(fields.event, JSON.parse(fields.data));
    }
  }
}

function busy(value) {
  send.hidden = value;
  stop.hidden = !value;
  status.textContent = value ? "Pocket is answering" : "";
  suggestions.querySelectorAll("button").forEach(button => button.disabled = value);
}

async function ask(text) {
  if (running || !text.trim()) {
    return;
  }
  running = new AbortController();
  add("user", text);
  const answer = add("model waiting", "");
  const fail = message => {
    answer.item.classList.add("failed");
    answer.bubble.textContent = message;
  };
  busy(true);
  try {
    const response = await fetch("api/chat/stream", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ conversationId, message: text }),
      signal: running.signal,
    });
    if (!response.ok) {
      fail((await response.json()).detail ?? `The server answered ${response.status}.`);
      return;
    }
    await readEvents(response, (event, data) => {
      if (event === "token") {
        answer.bubble.textContent += data.text;
      } else if (event === "done") {
        answer.item.append(Object.assign(document.createElement("p"), { className: "took", textContent: took(data) }));
        suggest(text.includes("story") || suggestions.dataset.story ? THEN : FIRST);
        suggestions.dataset.story = text.includes("story") || suggestions.dataset.story ? "yes" : "";
      } else {
        fail(data.error);
      }
      answer.item.scrollIntoView({ block: "end" });
    });
  } catch (error) {
    if (error.name === "AbortError") {
      answer.item.append(Object.assign(document.createElement("p"), { className: "took", textContent: "stopped; not remembered" }));
    } else {
      fail("The server cannot be reached. Is the application still running?");
    }
  } finally {
    answer.item.classList.remove("waiting");
    running = null;
    busy(false);
    input.focus();
  }
}

form.addEventListener("submit", event => {
  event.preventDefault();
  const text = input.value;
  input.value = "";
  ask(text);
});

input.addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

stop.addEventListener("click", () => running?.abort());

document.getElementById("fresh").addEventListener("click", () => {
  running?.abort();
  conversationId = crypto.randomUUID?.() ?? String(Math.random());
  messages.replaceChildren();
  delete suggestions.dataset.story;
  suggest(FIRST);
  input.focus();
});

suggest(FIRST);
showFacts();
input.focus();
