const messages = document.getElementById("messages");
const form = document.getElementById("form");
const input = document.getElementById("message");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const status = document.getElementById("status");
const suggestions = document.getElementById("suggestions");

const FIRST = ["Tell me a story about a fox named Ruby.", "Hello!", "What is the opposite of big?"];

let conversationId = crypto.randomUUID?.() ?? String(Math.random());
let running = null;
/** Who the last story is about; questions that fit nothing told would get made-up answers. */
let hero = null;

function number(value) {
  return value.toLocaleString("en");
}

function bytes(value) {
  return value < 1 << 20 ? `${number(Math.round(value / 1024))} KiB` : `${(value / (1 << 20)).toFixed(2)} MiB`;
}

function showFacts(facts) {
  document.getElementById("facts").replaceChildren(...Object.entries(facts).map(([name, value]) => {
    const fact = document.createElement("div");
    fact.append(Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }));
    return fact;
  }));
}

async function loadFacts() {
  try {
    const response = await fetch("api/info");
    if (!response.ok) {
      throw new Error(await problem(response));
    }
    const info = await response.json();
    showFacts({
      Attention: info.attention === "CLUSTERED" ? "clustered (CHAI)" : info.attention.toLowerCase(),
      ...(info.clusters && { "Clusters per layer": info.clusters.join(" ") }),
      Operators: info.operators,
      Context: `${number(info.contextLength)} tokens`,
    });
  } catch (error) {
    showFacts({ "What answers here": `unknown: ${error.message}` });
  }
}

/** What a response that is not OK says is wrong. Proxies and servers that are starting do not answer with JSON. */
async function problem(response) {
  const body = await response.text();
  try {
    const { detail, error } = JSON.parse(body);
    return detail ?? error ?? `The server answered ${response.status}.`;
  } catch {
    return `The server answered ${response.status} ${response.statusText}`.trim() + ".";
  }
}

function followUps(name) {
  return [`Who helped ${name}?`, `What did ${name} find?`, `Where did ${name} go?`, `How did ${name} feel?`];
}

/** Finds whom a story is about, in the question or else in the beginning of the story. */
function heroOf(question, reply) {
  if (!/\bstory\b/i.test(question)) {
    return null;
  }
  const named = /\b(?:named|called) (\p{Lu}\p{L}*)|(\p{Lu}\p{L}*) was an? /u;
  const [, first, second] = question.match(named) ?? reply.match(named) ?? [];
  return first ?? second ?? null;
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
  const speaker = Object.assign(document.createElement("span"),
    { className: "hidden", textContent: who === "user" ? "You: " : "Model: " });
  const bubble = Object.assign(document.createElement("div"), { className: "bubble", textContent: text });
  item.append(speaker, bubble);
  messages.append(item);
  item.scrollIntoView({ block: "end" });
  return { item, bubble };
}

function took(reply) {
  const seconds = (reply.durationMillis - reply.timeToFirstTokenMillis) / 1000;
  const rate = reply.generatedTokens > 1 && seconds > 0 ? `, ${((reply.generatedTokens - 1) / seconds).toFixed(0)} tokens/s` : "";
  return `${reply.attention.toLowerCase()} attention: ${number(reply.promptTokens)} + ${number(reply.generatedTokens)} tokens, `
    + `first after ${number(reply.timeToFirstTokenMillis)} ms${rate}${reply.kvCacheBytes === null ? "" : `, keys and values ${bytes(reply.kvCacheBytes)}`}`;
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
      if (fields.data !== undefined) { // a comment that keeps the connection alive has none
        onEvent(fields.event, JSON.parse(fields.data));
      }
    }
  }
}

function busy(value) {
  send.hidden = value;
  stop.hidden = !value;
  status.textContent = value ? "Pocket is answering" : "";
  messages.setAttribute("aria-busy", String(value)); // read out the answer when it is there, not word by word
  suggestions.querySelectorAll("button").forEach(button => button.disabled = value);
}

async function ask(text) {
  if (running || !text.trim()) {
    return;
  }
  const controller = new AbortController();
  running = controller;
  add("user", text);
  const answer = add("model waiting", "");
  const note = message =>
    answer.item.append(Object.assign(document.createElement("p"), { className: "took", textContent: message }));
  const fail = message => {
    answer.item.classList.add("failed");
    if (answer.bubble.textContent) {
      note(message);
    } else {
      answer.bubble.textContent = message;
    }
  };
  let response = null;
  let ended = false;
  busy(true);
  try {
    response = await fetch("api/chat/stream", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ conversationId, message: text }),
      signal: controller.signal,
    });
    if (!response.ok) {
      fail(await problem(response));
      return;
    }
    await readEvents(response, (event, data) => {
      if (event === "token") {
        answer.bubble.textContent += data.text;
      } else if (event === "done") {
        ended = true;
        note(took(data));
        if (!controller.signal.aborted) { // else another conversation has begun
          hero = heroOf(text, data.reply) ?? hero;
          suggest(hero ? followUps(hero) : FIRST);
        }
      } else if (event === "error") {
        ended = true;
        fail(data.error);
      }
      answer.item.scrollIntoView({ block: "end" });
    });
    if (!ended) {
      fail("The answer broke off. Please ask again.");
    }
  } catch (error) {
    if (ended) {
      return; // whatever happens to the connection now
    }
    if (controller.signal.aborted) {
      note("stopped; not remembered");
    } else if (response) {
      fail("The connection broke off. Please ask again.");
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
  if (running) {
    return; // what was typed stays for later
  }
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
  hero = null;
  suggest(FIRST);
  input.focus();
});

suggest(FIRST);
loadFacts();
input.focus();
