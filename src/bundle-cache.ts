/**
 * The last step of the build: replays a few captures by the bundle in the folder that is named, counted, then stored, asks
 * the store some questions (answered on standard output), and keeps what the engine compiled for all that (`bundle.ts`).
 * Building the bundle empties its folder, so no cache outlives its text.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BUNDLE_SUFFIX, keepCompiledOfThreads, loadBundled, writeCaches } from './bundle.ts';

const CAPTURES: string = join(import.meta.dirname, '../pcaps');

/** What a reader of a store runs: rows, counts, the chain. The console's threads run most of it too. */
const QUESTIONS: readonly (readonly string[])[] = [
  ['query', '--format', 'jsonl', 'op:SELECT'],
  ['query', '--count-by', 'op,user'],
  ['verify'],
];

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, 'bundle'));
const { run } = loadBundled(join(folder, `program${BUNDLE_SUFFIX}`)) as typeof import('./cli/program.ts');
keepCompiledOfThreads();
const code = existsSync(CAPTURES) ? await replayCaptures() : await run(['replay', '--help']);
if (code === 0) writeCaches();
else process.exitCode = code;

async function replayCaptures(): Promise<number> {
  const replay = ['replay', CAPTURES, '--quiet'];
  const counted = await run(replay);
  if (counted !== 0) return counted;
  const store = mkdtempSync(join(tmpdir(), 'wiretrail-build-'));
  try {
    const codes = [await run([...replay, '--store', store])];
    for (const question of QUESTIONS) codes.push(await run([...question, '--store', store]));
    return Math.max(...codes);
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
}
