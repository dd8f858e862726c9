// Case e in JavaScript, by itself and in jsonata: parse the line, project five fields, write the result.
//
//   node computo_peers.mjs EVENTS.ndjson SECONDS [FOLDER_WITH_NODE_MODULES]
//
// Prints a line a contestant, its name and nanoseconds per event: the best of several rounds, in processor time,
// when the code has been compiled.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [file, seconds, modules] = process.argv.slice(2);
const lines = fs.readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');

function plain() {
  let length = 0;
  for (const line of lines) {
    const event = JSON.parse(line);
    length += JSON.stringify({
      customer: event.customer.id, id: event.id, name: event.customer.name, total: event.total, type: event.type,
    }).length;
  }
  return length;
}

async function withJsonata(expression) {
  let length = 0;
  for (const line of lines) length += JSON.stringify(await expression.evaluate(JSON.parse(line))).length;
  return length;
}

const contestants = [['node', async () => plain()]];
if (modules !== undefined) {
  const jsonata = createRequire(path.join(path.resolve(modules), 'x.js'))('jsonata');
  const expression = jsonata('{"customer": customer.id, "id": id, "name": customer.name, "total": total, "type": type}');
  contestants.push(['jsonata', () => withJsonata(expression)]);
}
for (const [name, run] of contestants) {
  let best = Infinity, spent = 0, length = 0;
  while (spent < Number(seconds) * 1e6) {
    const started = process.cpuUsage();
    const got = await run();
    const used = process.cpuUsage(started);
    if (length !== 0 && got !== length) throw new Error(`${name} gives different results`);
    length = got;
    spent += used.user + used.system;
    best = Math.min(best, (used.user + used.system) * 1e3 / lines.length);
  }
  console.log(`${name} ${best.toFixed(1)} ${length}`);
}
