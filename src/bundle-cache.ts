/**
 * The last step of the build: replays a few captures by the bundle in the folder that is named, and keeps what the
 * engine compiled for that (`bundle.ts`). Building the bundle empties its folder, so no cache outlives its text.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { noteLongLived } from './base/engine-flags.ts';
import { BUNDLE_SUFFIX, loadBundled, writeCaches } from './bundle.ts';

const CAPTURES: string = join(import.meta.dirname, '../pcaps');

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, 'bundle'));
const { run } = loadBundled(join(folder, `program${BUNDLE_SUFFIX}`)) as typeof import('./cli/program.ts');
const code = existsSync(CAPTURES) ? await run(['replay', CAPTURES, '--quiet']) : await run(['replay', '--help']);
noteLongLived(); // a cache is of use only where all flags are the same
if (code === 0) writeCaches();
else process.exitCode = code;
