/** `npm run new:protocol NAME`: a new protocol folder that builds, is recognised and passes the contract tests. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const NAME_PATTERN = /^[a-z][a-z0-9]{1,19}$/;

const [name] = process.argv.slice(2);
const protocols = resolve(import.meta.dirname, '../../../src/protocols');
process.exitCode = scaffold(name);

function scaffold(wanted: string | undefined): number {
  if (wanted === undefined || !NAME_PATTERN.test(wanted)) {
    return say('usage: npm run new:protocol NAME   (lower-case letters and digits, e.g. mongodb)', 2);
  }
  const folder = join(protocols, wanted);
  if (existsSync(folder)) return say(`src/protocols/${wanted} exists already: choose another name`, 2);
  cpSync(join(protocols, 'sdk', 'template'), folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8')
      .replaceAll('../../../', '../../')
      .replaceAll("'../testkit.ts'", "'../sdk/testkit.ts'")
      .replaceAll('template', wanted);
    writeFileSync(path, text);
  }
  return say(`src/protocols/${wanted} is ready: read its README.md, then npm run build and npm test`, 0);
}

function say(line: string, code: number): number {
  process.stderr.write(`${line}\n`);
  return code;
}
