/**
 * Builds the addon when it is missing or older than its sources: `node native/build.mjs`.
 *
 * Where it cannot be built (no Linux, no compiler) one line says so and the build goes on: replaying files needs no
 * addon. `--require` turns that into a failure, for packages and CI.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const folder = import.meta.dirname;
const product = join(folder, 'build/Release/wiretrail_ring.node');
const required = process.argv.includes('--require');

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function isFresh() {
  const sources = readdirSync(join(folder, 'src')).map((name) => join(folder, 'src', name));
  const newest = Math.max(...[...sources, join(folder, 'binding.gyp')].map(modifiedMs));
  return modifiedMs(product) > newest;
}

function giveUp(reason) {
  process.stderr.write(`native: ${reason}; live capture is not available, replaying files is\n`);
  process.exitCode = required ? 1 : 0;
}

function build() {
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const args = [nodeGyp, 'rebuild', `--directory=${folder}`, '--silent'];
  // Headers installed beside node save a download.
  const prefix = join(dirname(process.execPath), '..');
  if (existsSync(join(prefix, 'include/node/node_api.h'))) args.push(`--nodedir=${prefix}`);
  const result = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (result.status === 0 && modifiedMs(product) > 0) return;
  process.stderr.write(result.stdout + result.stderr);
  giveUp('the addon could not be built (are a C++20 compiler, make and python3 installed?)');
}

if (process.platform !== 'linux') giveUp('the capture addon is for Linux');
else if (!isFresh()) build();
