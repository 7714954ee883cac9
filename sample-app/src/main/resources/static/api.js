/** Talks to the application. */

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export const byId = id => document.getElementById(id);

export function number(value, digits = 0) {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Bytes as people read them; no line breaks before the unit. */
export function bytes(value) {
  if (value < 1 << 20) {
    return `${number(value / 1024)}\u00a0KiB`;
  }
  return value < 1 << 30 ? `${number(value / (1 << 20), 2)}\u00a0MiB` : `${number(value / (1 << 30), 2)}\u00a0GiB`;
}

/** Tokens a second after the first one; null if there were too few to say. */
export function rate(reply) {
  const seconds = (reply.durationMillis - reply.timeToFirstTokenMillis) / 1000;
  return reply.generatedTokens > 1 && seconds > 0 ? (reply.generatedTokens - 1) / seconds : null;
}

/** A name that nobody guesses; crypto.randomUUID is for https and localhost only. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join("");
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

/** An error whose message people may read. */
export class Refusal extends Error {}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (options?.signal?.aborted) {
      throw error;
    }
    throw new Refusal("The server cannot be reached. Is the application still running?");
  }
  if (!response.ok) {
    throw new Refusal(await problem(response));
  }
  return response;
}

export async function get(path) {
  const text = await (await request(path)).text();
  return text ? JSON.parse(text) : null;
}

export async function remove(path) {
  await request(path, { method: "DELETE" });
}

/**
 * Posts and calls back for every server-sent event of the answer.
 *
 * Returns whether an event ended the stream that said so: "done" as the last one, or "error". Throws a Refusal if the
 * server refuses, or if the connection breaks before that.
 */
export async function stream(path, body, signal, onEvent) {
  const response = await request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  try {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      buffer += chunk.value;
      const events = buffer.split("\n\n");
      buffer = events.pop();
      for (const event of events) {
        dispatch(event, onEvent);
      }
    }
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new Refusal("The connection broke off.");
  }
}

function dispatch(event, onEvent) {
  const fields = Object.fromEntries(event.split("\n").map(line => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1)];
  }));
  if (fields.data !== undefined) { // a comment that keeps the connection alive has none
    onEvent(fields.event, JSON.parse(fields.data));
  }
}
