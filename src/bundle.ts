/**
 * Loads the program from the few files that it was joined into (`vite.config.ts`), each with what the engine had made of
 * it when it was built: the compiled functions that a replay needs. Compiling them anew takes a third of the time to the
 * first packet, in every thread. Node 20 keeps such a cache for scripts only, so these are scripts, not modules.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { constants, Script } from 'node:vm';

/** What `vite.config.ts` calls the files of a bundle. */
export const BUNDLE_SUFFIX = '.cjs';
const CACHE_SUFFIX = '.cache';

interface Loaded {
  readonly script: Script;
  readonly module: { exports: unknown };
}

type Wrapped = (
  exports: unknown,
  require: (name: string) => unknown,
  module: Loaded['module'],
  file: string,
  folder: string,
) => void;

/** Files by path: each is run once a thread. */
const loaded = new Map<string, Loaded>();

/** What a joined file exports. It names the other files of the bundle as `./name`, everything else as modules do. */
export function loadBundled(file: string): unknown {
  const known = loaded.get(file);
  if (known !== undefined) return known.module.exports;
  const source = readFileSync(file, 'utf8');
  const cachedData = readCache(file);
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    // The engine compares its version, its flags and the length of the text, and compiles the text when they differ.
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module: Loaded['module'] = { exports: {} };
  loaded.set(file, { script, module });
  const folder = dirname(file);
  const others = createRequire(file);
  const load = (name: string): unknown => (name.startsWith('./') ? loadBundled(join(folder, name)) : others(name));
  (script.runInThisContext() as Wrapped)(module.exports, load, module, file, folder);
  return module.exports;
}

function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file + CACHE_SUFFIX);
  } catch {
    return undefined; // Not made: everything is compiled, as without a bundle.
  }
}

/** Writes what the engine has compiled by now of the files that were loaded, for later runs. */
export function writeCaches(): void {
  for (const [file, { script }] of loaded) writeFileSync(file + CACHE_SUFFIX, script.createCachedData());
}
