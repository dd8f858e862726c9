// Drives a fake of AI providers, or a gateway, with the official clients.
//   node drive.mjs FOLDER '{"url":…, "control":…, "key":…, "secret":…, "groups":[…]}'
// Prints a line of JSON for each check: {"check", "failed"?}. FOLDER is where npm put the clients.
import {checks as happy, fixtures, RULES} from './happy.mjs';
import {checks as failing} from './failures.mjs';
import {checks as batches} from './batches.mjs';
import {checks as schemas} from './schemas.mjs';
import {checks as specific} from './specific.mjs';
import {clients} from './clients.mjs';

const [folder, argument] = process.argv.slice(2);
const options = JSON.parse(argument);

async function ask(method, path, body) {
  const answer = await fetch(`${options.control}/fake/${path}`, {method, body: body && JSON.stringify(body)});
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return answer.json();
}

async function each(group, all, concurrently) {
  const one = async ([name, check]) => {
    try {
      await check();
      console.log(JSON.stringify({check: `${group}: ${name}`}));
    } catch (error) {
      console.log(JSON.stringify({check: `${group}: ${name}`, failed: error.stack ?? String(error)}));
    }
  };
  if (concurrently) return Promise.all(Object.entries(all).map(one));
  for (const row of Object.entries(all)) await one(row);
}

const groups = {
  async happy() {
    const known = clients(folder, options);
    const skipped = options.skipped ?? [];
    if (options.control) await ask('POST', 'script', {rules: RULES});
    await Promise.all(Object.entries(known).map(([name, make]) => {
      const all = happy(make(), {counts: !(options.uncounted ?? []).includes(name)});
      return each(name, Object.fromEntries(Object.entries(all).filter(([check]) => !skipped.includes(`${name}: ${check}`))), true);
    }));
  },
  failures: async () => each('failures', failing(folder, options, clients(folder, options), ask), false),
  specific: async () => each('specific', specific(folder, options, clients(folder, options), ask), false),
  batches: async () => each('batches', batches(clients(folder, options), ask), false),
  schemas: async () => each('schemas', await schemas(folder, options, ask), false),
};

if (options.groups.includes('fixtures')) console.log(JSON.stringify(fixtures()));
else for (const name of options.groups) await groups[name]();
process.exit(0);  // some clients keep their connections
