/** The program joined into few files (`src/vite.config.ts`) does what the compiled modules do, with a code cache or without. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
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

/** Runs a command line, whose module the expression `program` gives. */
function commandLine(program: string, args: readonly string[], before = ''): Promise<RunResult> {
  const script =
    `${before}const [, ...args] = process.argv;` +
    `${program}.then(async ({ run }) => { process.exitCode = await run(args); });`;
  return run([process.execPath, '-e', script, '--', ...args], { cwd: ROOT });
}

/** Says on standard error which caches the engine refuses. */
const TELL_REFUSALS = `
  const vm = require('node:vm');
  vm.Script = class extends vm.Script {
    constructor(code, options) {
      super(code, options);
      if (this.cachedDataRejected) process.stderr.write('refused ' + options.filename + '\\n');
    }
  };
  require('node:module').syncBuiltinESMExports();`;

function joinedProgram(args: readonly string[]): Promise<RunResult> {
  const [loader, program] = [join(ROOT, 'dist/bundle.js'), join(BUNDLE, 'program.cjs')].map((path) =>
    JSON.stringify(path),
  );
  return commandLine(`import(${loader}).then(({ loadBundled }) => loadBundled(${program}))`, args, TELL_REFUSALS);
}

async function assertSame(args: readonly string[]): Promise<RunResult> {
  const joined = await joinedProgram(args);
  const compiled = await commandLine(`import(${JSON.stringify(join(ROOT, 'dist/cli/program.js'))})`, args);
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
  const replayed = await joinedProgram(['replay', CAPTURES, '--store', folder]);
  assert.equal(replayed.code, 0, replayed.stderr);
  const verified = await joinedProgram(['verify', '--store', folder]);
  assert.equal(verified.code, 0, verified.stderr);
});

test('every thread that a module starts is joined, and found by it', async (t) => {
  const src = join(ROOT, 'src');
  const modules = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.test)\.ts$/.test(name),
  );
  const threads = modules.flatMap((name) => {
    const starts = readFileSync(join(src, name), 'utf8').matchAll(/new Worker\([^']*'([^']+)'/g);
    return [...starts].map(([, thread = '']) => join(dirname(name), thread));
  });
  assert.ok(threads.includes('store/write/worker.js') && threads.includes('store/segment/sealer.js'));
  for (const thread of threads)
    assert.ok(existsSync(join(BUNDLE, thread)), `not in THREADS of vite.config.ts: ${thread}`);

  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-bundle-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const captures = readdirSync(CAPTURES, { recursive: true, encoding: 'utf8' });
  const capture = captures.find((name) => /\.pcap(ng)?$/.test(name));
  assert.ok(capture !== undefined);
  const zipped = join(folder, `${basename(capture)}.gz`);
  writeFileSync(zipped, gzipSync(readFileSync(join(CAPTURES, capture))));
  const { stdout } = await assertSame(['replay', zipped, '--jsonl', '-']);
  assert.match(stdout, /"audit.kind":"statement"/);
});

test('the same records with code from the cache, and with a cache of another version', async () => {
  const made = await run([process.execPath, join(ROOT, 'dist/bundle-cache.js'), BUNDLE], { cwd: ROOT });
  assert.equal(made.code, 0, made.stderr);
  const caches = readdirSync(BUNDLE).filter((name) => name.endsWith('.cache'));
  assert.ok(caches.includes('program.cjs.cache') && caches.includes('replay.cjs.cache'), caches.join(' '));
  assert.ok(caches.includes('store-write-worker.cjs.cache'), 'what threads run is kept too');
  const args = ['replay', CAPTURES, '--jsonl', '-', '--workers', '2'];
  const cached = await assertSame(args);
  assert.doesNotMatch(cached.stderr, /refused/);
  for (const name of caches) {
    const bytes = readFileSync(join(BUNDLE, name));
    bytes.fill(0x55, 0, 16); // what the engine knows its own caches by
    writeFileSync(join(BUNDLE, name), bytes);
  }
  const refused = await assertSame(args);
  assert.match(refused.stderr, /refused .*program\.cjs/);
  assert.ok(refused.stdout === cached.stdout);
});
