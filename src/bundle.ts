/**
 * Loads the program from the few files that it was joined into (`vite.config.ts`), each with what the engine had made of
 * it when it was built: the compiled functions that a replay needs. Compiling them anew takes a third of the time to the
 * first packet, in every thread. Node 20 keeps such a cache for scripts only, so these are scripts, not modules.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { constants, Script } from 'node:vm';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { noteLongLived } from './base/engine-flags.ts';

/** What `vite.config.ts` calls the files of a bundle. */
export const BUNDLE_SUFFIX = '.cjs';
const CACHE_SUFFIX = '.cache';
/** Key of what threads are told by who starts them. */
const KEEPS_COMPILED = 'wiretrail: keeps what was compiled';

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

/** As `loadBundled`, for what a thread begins with. */
export function loadThread(file: string): void {
  loadBundled(file);
  if (getEnvironmentData(KEEPS_COMPILED) === true) process.once('exit', writeCaches);
}

/** Threads that are started from now on write the caches of what they ran when they end. */
export function keepCompiledOfThreads(): void {
  setEnvironmentData(KEEPS_COMPILED, true);
}

/**
 * Writes what the engine has compiled by now of the files that were loaded, for later runs. Of a file that several threads
 * loaded, that of the thread which ran most of it is kept.
 */
export function writeCaches(): void {
  noteLongLived(); // A cache is of use only where all flags are the same.
  for (const [file, { script }] of loaded) {
    const cache = script.createCachedData();
    if (cache.length > sizeOf(file + CACHE_SUFFIX)) writeFileSync(file + CACHE_SUFFIX, cache);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
