// SPDX-License-Identifier: Apache-2.0
// Calls the endpoint with the official client: node check.mjs URL MODEL [KEY]
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const [baseURL, model, apiKey = 'none'] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: 'user', content: 'Tell me a story about a fox named Ruby.' }];
let passed = 0;

async function check(what, body) {
  const seen = await body();
  passed++;
  console.log(`${what}: ${seen}`);
}

async function refused(request, type, status) {
  const error = await request.then(() => assert.fail('was not refused'), e => e);
  assert.ok(error instanceof type, String(error));
  assert.equal(error.status, status);
  return `${error.status} ${error.param ?? ''} ${error.message}`;
}

await check('models.list', async () => {
  const ids = [];
  for await (const each of client.models.list()) {
    ids.push(each.id);
  }
  assert.ok(ids.includes(model));
  return ids.join(', ');
});

await check('models.retrieve', async () => (await client.models.retrieve(model)).id);

let whole;
await check('chat.completions', async () => {
  const answer = await client.chat.completions.create({ model, messages, temperature: 0, max_completion_tokens: 40 });
  whole = answer.choices[0].message.content;
  assert.equal(answer.usage.completion_tokens, 40);
  assert.equal(answer.choices[0].finish_reason, 'length');
  return JSON.stringify(whole);
});

await check('chat.completions, streamed', async () => {
  const stream = await client.chat.completions.create({
    model, messages, temperature: 0, max_completion_tokens: 40, stream: true, stream_options: { include_usage: true }
  });
  let text = '';
  let usage;
  let chunks = 0;
  for await (const chunk of stream) {
    chunks++;
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole);
  assert.equal(usage.completion_tokens, 40);
  return `${chunks} chunks, ${JSON.stringify(usage)}`;
});

await check('chat.completions.stream, the helper', async () => {
  const runner = client.chat.completions.stream({ model, messages, temperature: 0, max_completion_tokens: 40 });
  assert.equal((await runner.finalChatCompletion()).choices[0].message.content, whole);
  return 'the same text';
});

await check('stop', async () => {
  const answer = await client.chat.completions.create({ model, messages, temperature: 0, stop: ['.'] });
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.ok(!answer.choices[0].message.content.includes('.'));
  return JSON.stringify(answer.choices[0].message.content);
});

await check('seed', async () => {
  const texts = [];
  for (const seed of [7, 7, 8]) {
    const answer = await client.chat.completions.create({ model, messages, temperature: 1.5, seed, max_tokens: 30 });
    texts.push(answer.choices[0].message.content);
  }
  assert.equal(texts[0], texts[1]);
  assert.notEqual(texts[0], texts[2]);
  return 'the same twice, another one with another';
});

const tools = [{
  type: 'function',
  function: {
    name: 'add', description: 'Adds two numbers.', strict: true,
    parameters: {
      type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } }, required: ['a', 'b'],
      additionalProperties: false
    }
  }
}];

await check('tools and their results', async () => {
  const asked = [{ role: 'user', content: 'What is 12 plus 30?' }];
  const first = await client.chat.completions.create({
    model, messages: asked, tools, temperature: 0, tool_choice: { type: 'function', function: { name: 'add' } }
  });
  const call = first.choices[0].message.tool_calls[0];
  assert.equal(call.function.name, 'add');
  const { a, b } = JSON.parse(call.function.arguments);
  const second = await client.chat.completions.create({
    model, tools, temperature: 0, tool_choice: 'none', max_completion_tokens: 60,
    messages: [...asked, first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: String(a + b) }]
  });
  return `${call.function.arguments} ${JSON.stringify(second.choices[0].message.content)}`;
});

await check('tools, streamed', async () => {
  const runner = client.chat.completions.stream({
    model, messages: [{ role: 'user', content: 'What is 12 plus 30?' }], tools, temperature: 0, tool_choice: 'required'
  });
  const call = (await runner.finalChatCompletion()).choices[0].message.tool_calls[0];
  assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ['a', 'b']);
  return call.function.arguments;
});

await check('response_format', async () => {
  const answer = await client.chat.completions.parse({
    model, temperature: 0, messages: [{ role: 'user', content: 'Hugo the duck lived near the village. Who is he?' }],
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'facts', strict: true,
        schema: {
          type: 'object', properties: { name: { type: 'string', maxLength: 20 }, home: { type: 'string', maxLength: 20 } },
          required: ['name', 'home'], additionalProperties: false
        }
      }
    }
  });
  const content = answer.choices[0].message.content;
  assert.deepEqual(Object.keys(JSON.parse(content)), ['name', 'home']);
  return content;
});

await check('completions', async () => {
  const answer = await client.completions.create({ model, prompt: 'Finn was a lucky', max_tokens: 8, temperature: 0 });
  assert.equal(answer.usage.completion_tokens, 8);
  return JSON.stringify(answer.choices[0].text);
});

await check('completions, streamed', async () => {
  let text = '';
  for await (const chunk of await client.completions.create({
    model, prompt: 'Finn was a lucky', max_tokens: 8, temperature: 0, stream: true
  })) {
    text += chunk.choices[0]?.text ?? '';
  }
  assert.ok(text.length > 0);
  return JSON.stringify(text);
});

await check('an aborted stream', async () => {
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  let chunks = 0;
  for await (const chunk of stream) {
    if (++chunks === 5) {
      stream.controller.abort();
    }
  }
  return `${chunks} chunks`;
});

await check('n of 2', () => refused(client.chat.completions.create({ model, messages, n: 2 }), OpenAI.BadRequestError, 400));
await check('an image', () => refused(client.chat.completions.create({
  model, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }]
}), OpenAI.BadRequestError, 400));
await check('another model',
  () => refused(client.chat.completions.create({ model: 'gpt-4o', messages }), OpenAI.NotFoundError, 404));

console.log(`${passed} passed`);
