// What every fake has to answer to every client, our own and an independent one alike: RULES are scripted in both.
import {deepStrictEqual as equal, ok} from 'node:assert';

export const HELLO = 'Hello, this is a model of few words.';
export const PERSON = {type: 'object', properties: {name: {type: 'string'}, age: {type: 'integer'}}, required: ['name', 'age'],
  additionalProperties: false};
export const WEATHER = {name: 'get_weather', description: 'The weather of a place.', parameters: {
  type: 'object', properties: {city: {type: 'string'}, days: {type: 'integer'}}, required: ['city']}};
const ASKED = {city: 'Čeboksary', days: 3};
const USAGE = {input: 111, output: 22};

// In our fake's words …
export const RULES = [
  {match: 'Say hello', text: HELLO, usage: USAGE},
  {match: 'weather', after_tool: false, tool_calls: [{name: 'get_weather', arguments: ASKED}], usage: USAGE},
  {match: 'weather', after_tool: true, text: 'It rains.', usage: USAGE},
  {match: 'Who', json: {name: 'Ada', age: 36}, usage: USAGE},
];

// … and in aimock's.
export function fixtures() {
  const usage = {prompt_tokens: 111, completion_tokens: 22, total_tokens: 133, input_tokens: 111, output_tokens: 22,
    promptTokenCount: 111, candidatesTokenCount: 22, totalTokenCount: 133};
  return {fixtures: [
    {match: {userMessage: 'Say hello'}, response: {content: HELLO, usage}},
    {match: {userMessage: 'weather', hasToolResult: false},
      response: {toolCalls: [{name: 'get_weather', arguments: JSON.stringify(ASKED)}], usage}},
    {match: {userMessage: 'weather', hasToolResult: true}, response: {content: 'It rains.', usage}},
    {match: {userMessage: 'Who'}, response: {content: JSON.stringify({name: 'Ada', age: 36}), usage}},
  ]};
}

// {name: check}. `counts`: whether this fake says the usage that was scripted, to this client.
export function checks(each, {counts}) {
  const used = (answer) => counts && equal(answer.usage, USAGE);
  const all = {
    async 'says hello'() {
      const answer = await each.chat('Say hello');
      equal([answer.text, answer.calls, answer.finish], [HELLO, [], 'stop']);
      used(answer);
    },
    async 'says hello in pieces'() {
      const answer = await each.stream('Say hello');
      equal([answer.text, answer.pieces.join(''), answer.finish], [HELLO, HELLO, 'stop']);
      ok(answer.pieces.length > 1, `${answer.pieces.length} pieces`);
      used(answer);
    },
    async 'calls a tool and goes on with what it gave'() {
      for (const way of ['chat', 'stream']) {
        const answer = await each[way]('What is the weather?', {tools: [WEATHER]});
        equal(answer.calls.map((call) => [call.name, call.arguments]), [['get_weather', ASKED]]);
        equal([answer.text, answer.finish], ['', 'tool_calls']);
        used(answer);
        const result = {id: 'toolu_1', ...answer.calls[0], content: 'rain'};
        result.id ??= 'toolu_1';
        equal((await each[way]('What is the weather?', {tools: [WEATHER], result})).text, 'It rains.');
      }
    },
    async 'answers by a schema'() {
      equal(JSON.parse((await each.chat('Who was it?', {schema: PERSON})).text), {name: 'Ada', age: 36});
      equal(JSON.parse((await each.stream('Who was it?', {schema: PERSON})).text), {name: 'Ada', age: 36});
    },
  };
  if (each.embed) {
    all['embeds texts, each by itself'] = async () => {
      const [first, second, again] = await each.embed(['a red fox', 'tokens of silver', 'a red fox']);
      ok(first.length > 100 && first.length === second.length, `${first.length} numbers`);
      equal(first, again);
      ok(first.some((value, index) => value !== second[index]), 'two texts have one vector');
    };
  }
  return all;
}
