/** The conversation that is open: messages, the answer on its way, what to ask next. */
import { bytes, byId, element, number, rate, Refusal, stream } from "./api.js";
import { currentId, onOpen, ready, refresh } from "./conversations.js";
import * as figures from "./figures.js";
import * as settings from "./settings.js";

const FIRST = ["Hi", "Tell me a story about a fox named Ruby.", "What is the opposite of big?"];

const messages = byId("messages");
const input = byId("message");
let running = null;
/** Who the last story is about; questions that fit nothing told would get made-up answers. */
let hero = null;

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

/** Shows buttons that ask. */
export function suggest(target, texts, onChoice) {
  target.replaceChildren(...texts.map(text => {
    const button = element("button", { type: "button", textContent: text });
    button.addEventListener("click", () => onChoice(text));
    return button;
  }));
}

function showSuggestions() {
  suggest(byId("suggestions"), hero ? followUps(hero) : FIRST, ask);
}

function atEnd() {
  return messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
}

function add(who, text) {
  byId("welcome").hidden = true;
  const bubble = element("div", { className: "bubble", textContent: text });
  const item = element("li", { className: who },
    element("span", { className: "hidden", textContent: who.startsWith("user") ? "You: " : "Model: " }), bubble);
  messages.append(item);
  messages.scrollTop = messages.scrollHeight;
  return { item, bubble };
}

function took(reply) {
  const speed = rate(reply);
  return [`${reply.attention.toLowerCase()} attention`, `${number(reply.generatedTokens)} tokens`,
    `first after ${number(reply.timeToFirstTokenMillis)} ms`, speed === null ? "" : `${number(speed)} tokens/s`,
    reply.kvCacheBytes === null ? "" : `keys and values ${bytes(reply.kvCacheBytes)}`,
    reply.finishReason === "LENGTH" ? "cut at the most tokens allowed" : ""].filter(Boolean).join(" · ");
}

function busy(value) {
  byId("send").hidden = value;
  byId("stop").hidden = !value;
  byId("status").textContent = value ? "Answering …" : "";
  messages.setAttribute("aria-busy", String(value)); // read out the answer when it is there, not word by word
  byId("suggestions").querySelectorAll("button").forEach(button => button.disabled = value);
  figures.setBusy(value);
}

/** An answer on the page while it comes. */
class Answer {
  constructor(question) {
    this.question = question;
    this.asked = add("user", question);
    this.shown = add("model waiting", "");
    this.tokens = 0;
    this.ended = false;
  }

  token(text) {
    const follow = atEnd();
    this.firstAt ??= performance.now();
    this.tokens++;
    this.shown.bubble.append(text);
    figures.showProgress(this.tokens, performance.now() - this.firstAt);
    if (follow) {
      messages.scrollTop = messages.scrollHeight;
    }
  }

  note(text, ...more) {
    const follow = atEnd();
    this.shown.item.append(element("div", { className: "took" }, element("span", { textContent: text }), ...more));
    if (follow) {
      messages.scrollTop = messages.scrollHeight;
    }
  }

  fail(text) {
    this.ended = true;
    this.shown.item.classList.add("failed");
    const again = element("button", { type: "button", textContent: "Ask again" });
    again.addEventListener("click", () => {
      this.asked.item.remove();
      this.shown.item.remove();
      ask(this.question);
    });
    if (this.shown.bubble.textContent) {
      this.note(text, again);
    } else {
      this.shown.bubble.textContent = text;
      this.note("Not remembered.", again);
    }
  }

  done(reply) {
    this.ended = true;
    this.note(took(reply));
    figures.showReply(reply);
  }
}

export async function ask(text) {
  if (running || !text.trim()) {
    return;
  }
  const { settings: chosen, invalid } = settings.read();
  if (invalid) {
    document.dispatchEvent(new CustomEvent("show-panel"));
    invalid.reportValidity();
    return;
  }
  const controller = new AbortController();
  running = controller;
  await ready;
  const answer = new Answer(text);
  busy(true);
  try {
    await stream("api/chat/stream", { conversationId: currentId(), message: text, settings: chosen }, controller.signal,
      (event, data) => {
        if (controller.signal.aborted) {
          return; // another conversation has begun
        }
        if (event === "token") {
          answer.token(data.text);
        } else if (event === "done") {
          answer.done(data);
          hero = heroOf(text, data.reply) ?? hero;
        } else if (event === "error") {
          answer.fail(data.error);
        }
      });
    if (!answer.ended) {
      answer.fail("The answer broke off.");
    }
  } catch (error) {
    if (controller.signal.aborted) {
      answer.note("Stopped; not remembered.");
    } else if (!answer.ended) { // else whatever happens to the connection now
      answer.fail(error instanceof Refusal ? error.message : "The page made a mistake.");
    }
  } finally {
    answer.shown.item.classList.remove("waiting");
    running = null;
    busy(false);
    showSuggestions();
    input.focus();
    refresh().catch(() => {}); // the answer has said what is wrong
  }
}

function grow() {
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}

export function start() {
  byId("form").addEventListener("submit", event => {
    event.preventDefault();
    if (running) {
      return; // what was typed stays for later
    }
    const text = input.value;
    input.value = "";
    grow();
    ask(text);
  });
  input.addEventListener("input", grow);
  input.addEventListener("keydown", event => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      byId("form").requestSubmit();
    }
  });
  byId("stop").addEventListener("click", () => running?.abort());
  onOpen(conversation => {
    running?.abort();
    hero = null;
    messages.replaceChildren();
    byId("welcome").hidden = false;
    settings.show(conversation?.settings ?? null);
    let question = "";
    for (const { role, text } of conversation?.messages ?? []) {
      add(role, text);
      hero = role === "model" ? heroOf(question, text) ?? hero : hero;
      question = text;
    }
    showSuggestions();
    input.focus();
  });
  showSuggestions();
}
