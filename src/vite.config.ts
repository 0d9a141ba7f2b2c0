/**
 * Joins the modules of the program into few files, `dist/bundle`, which `main.ts` prefers while they are as new as the
 * compiled modules: several hundred small files take longer to load than a small capture to replay.
 *
 * Places of other files (policies, threads, the console's pages) stay those of the module that names them. The files are
 * scripts, for the sake of `bundle.ts`, which loads them.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type { Plugin, UserConfig } from 'vite';
import { BUNDLE_SUFFIX } from './bundle.ts';

const src: string = import.meta.dirname;
/** Threads that are worth joining as well, with the module that starts each. */
const THREADS: readonly (readonly [string, string])[] = [
  ['sensor/shard-worker.ts', 'sensor/sharded-replay.ts'],
  ['sensor/capture-worker.ts', 'sensor/live.ts'],
];
/** Packages that are small, and loaded by every run. */
const JOINED: readonly string[] = ['commander', 'yaml', 'fzstd'];

/** Imports in place of a search at run time. */
function staticProtocols(): Plugin {
  const found = join(src, 'protocols/found.ts');
  return {
    name: 'static-protocols',
    load(id) {
      if (id !== found) return undefined;
      const folders = readdirSync(join(src, 'protocols')).filter((folder) =>
        existsSync(join(src, 'protocols', folder, 'protocol.ts')),
      );
      const imports = folders.map((folder) => `import ${folder} from './${folder}/protocol.ts';`);
      const pairs = folders.map((folder) => `['${folder}', ${folder}]`);
      return `${imports.join('\n')}\nexport const findProtocols = async () => [${pairs.join(', ')}];\n`;
    },
  };
}

/** `import.meta` says of a joined module where its own file is, as seen from the bundle's folder. */
function ownPlaces(): Plugin {
  const starters = new Set(THREADS.map(([, starter]) => join(src, starter)));
  return {
    name: 'own-places',
    transform(code, id) {
      if (!id.startsWith(src) || starters.has(id) || !code.includes('import.meta.')) return undefined;
      const own = `new URL('../${relative(src, id).replace(/\.ts$/, '.js')}', import.meta.url)`;
      const folder = `decodeURIComponent(new URL('.', ${own}).pathname)`;
      const place = (_: string, name: string): string => (name === 'url' ? `${own}.href` : folder);
      // No line moves.
      return { code: code.replace(/import\.meta\.(url|dirname)/g, place), map: null };
    },
  };
}

/** A thread begins with a module, as which `bundle.ts` loads the thread's joined file. */
function threadModules(): Plugin {
  return {
    name: 'thread-modules',
    generateBundle() {
      for (const [thread] of THREADS) {
        const name = basename(thread, '.ts');
        const file = `new URL('./${name}${BUNDLE_SUFFIX}', import.meta.url)`;
        const load = `import { loadBundled } from '../bundle.js';\nloadBundled(decodeURIComponent(${file}.pathname));\n`;
        this.emitFile({ type: 'asset', fileName: `${name}.js`, source: load });
      }
    },
  };
}

const config: UserConfig = {
  root: src,
  plugins: [staticProtocols(), ownPlaces(), threadModules()],
  ssr: { noExternal: [...JOINED] },
  build: {
    ssr: true,
    outDir: '../dist/bundle',
    emptyOutDir: true,
    target: 'node20',
    sourcemap: true,
    minify: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: ['cli/program.ts', ...THREADS.map(([thread]) => thread)].map((file) => join(src, file)),
      output: { format: 'cjs', entryFileNames: `[name]${BUNDLE_SUFFIX}`, chunkFileNames: `[name]${BUNDLE_SUFFIX}` },
    },
  },
};

export default config;
