/**
 * The last step of the build: replays a few captures by the bundle in the folder that is named, counted, then stored, and
 * keeps what the engine compiled for that (`bundle.ts`). Building the bundle empties its folder, so no cache outlives its
 * text.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BUNDLE_SUFFIX, keepCompiledOfThreads, loadBundled, writeCaches } from './bundle.ts';

const CAPTURES: string = join(import.meta.dirname, '../pcaps');

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
    return await run([...replay, '--store', store]);
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
}
