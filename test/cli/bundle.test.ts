/** The program joined into few files (`src/vite.config.ts`) does what the compiled modules do. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'vite';
import { type RunResult, run } from '../support/process.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
/** Beside the bundle that is in use: places are told as seen from there. */
const BUNDLE = join(ROOT, 'dist/bundle-test');
const CAPTURES = join(ROOT, 'pcaps/mysql');

before(async () => {
  const configFile = join(ROOT, 'src/vite.config.ts');
  await build({ configFile, logLevel: 'error', build: { outDir: BUNDLE, emptyOutDir: true } });
});
after(() => rmSync(BUNDLE, { recursive: true, force: true }));

/** Runs the command line whose module is `program`. */
function wiretrail(program: string, args: readonly string[]): Promise<RunResult> {
  const script =
    'const [, program, ...args] = process.argv;' +
    'import(program).then(async ({ run }) => { process.exitCode = await run(args); });';
  return run([process.execPath, '-e', script, program, ...args], { cwd: ROOT });
}

async function assertSame(args: readonly string[]): Promise<RunResult> {
  const joined = await wiretrail(join(BUNDLE, 'program.js'), args);
  const compiled = await wiretrail(join(ROOT, 'dist/cli/program.js'), args);
  assert.equal(joined.code, compiled.code, joined.stderr);
  assert.ok(joined.stdout === compiled.stdout, `${args.join(' ')}: other output`);
  return joined;
}

test('the same records, on one thread and on two', async () => {
  const alone = await assertSame(['replay', CAPTURES, '--jsonl', '-']);
  assert.match(alone.stdout, /"audit.kind":"statement"/);
  const shared = await assertSame(['replay', CAPTURES, '--jsonl', '-', '--workers', '2']);
  assert.ok(shared.stdout === alone.stdout);
});

test('all protocols are in it', async () => {
  const { stdout } = await assertSame(['replay', join(ROOT, 'pcaps'), '--jsonl', '-']);
  const folders = readdirSync(join(ROOT, 'pcaps'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const systems = new Set([...stdout.matchAll(/"db.system.name":"([^"]+)"/g)].map(([, name]) => name));
  assert.ok(systems.size >= Math.min(5, folders.length), [...systems].join(' '));
});

test('files beside the modules are found: policies, threads of the store, the version', async (t) => {
  const { stdout } = await assertSame(['--version']);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  await assertSame(['policy', 'check', 'policies/']);
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-bundle-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(BUNDLE, 'program.js');
  const replayed = await wiretrail(program, ['replay', CAPTURES, '--store', folder]);
  assert.equal(replayed.code, 0, replayed.stderr);
  const verified = await wiretrail(program, ['verify', '--store', folder]);
  assert.equal(verified.code, 0, verified.stderr);
});
