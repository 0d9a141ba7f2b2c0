/** `npm run new:protocol NAME`: a new protocol folder that builds, is recognised and passes the contract tests. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const NAME_PATTERN = /^[a-z][a-z0-9]{1,19}$/;
/** This file runs as `dist/protocols/sdk/scaffold.js`. */
const SOURCES: string = resolve(import.meta.dirname, '../../../src/protocols');

export interface ScaffoldResult {
  /** For the user, in one line. */
  readonly said: string;
  readonly exitCode: number;
}

/** Copies the template to `<protocols>/<name>`, its imports and names made those of the new folder. */
export function scaffold(wanted: string | undefined, protocols: string): ScaffoldResult {
  if (wanted === undefined || !NAME_PATTERN.test(wanted)) {
    return { said: 'usage: npm run new:protocol NAME   (lower-case letters and digits, e.g. mongodb)', exitCode: 2 };
  }
  const folder = join(protocols, wanted);
  if (existsSync(folder)) {
    return { said: `src/protocols/${wanted} exists already: choose another name`, exitCode: 2 };
  }
  cpSync(join(SOURCES, 'sdk', 'template'), folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8')
      .replaceAll(/'\.\.\/(\w+\.ts)'/g, "'../sdk/$1'")
      .replaceAll("'../../../", "'../../")
      .replaceAll('template', wanted);
    writeFileSync(path, text);
  }
  return { said: `src/protocols/${wanted} is ready: read its README.md, then npm run build and npm test`, exitCode: 0 };
}

if (process.argv[1] === import.meta.filename) {
  const { said, exitCode } = scaffold(process.argv[2], SOURCES);
  process.stderr.write(`${said}\n`);
  process.exitCode = exitCode;
}
