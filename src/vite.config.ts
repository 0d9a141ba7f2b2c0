/**
 * Joins the modules of the program into few files, `dist/bundle`, which `main.ts` prefers while they are as new as the
 * compiled modules: several hundred small files take longer to load than a small capture to replay.
 *
 * Places of other files (policies, threads, the console's pages) stay those of the module that names them. The files are
 * scripts, for the sake of `bundle.ts`, which loads them.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Plugin, UserConfig } from 'vite';
import { BUNDLE_SUFFIX } from './bundle.ts';

const src: string = import.meta.dirname;
/** What threads begin with, and the modules that start them. */
const THREADS: readonly string[] = [
  'capture/files/inflate-worker.ts',
  'console/access-worker.ts',
  'console/reads/worker.ts',
  'sensor/capture-worker.ts',
  'sensor/shard-worker.ts',
  'store/segment/sealer.ts',
  'store/write/worker.ts',
];
const STARTERS: readonly string[] = [
  'capture/files/inflate.ts',
  'console/access-log.ts',
  'console/reads/pool.ts',
  'sensor/live.ts',
  'sensor/sharded-replay.ts',
  'store/store.ts',
  'store/write/worker.ts',
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

/**
 * `import.meta` says of a joined module where its own file is, as seen from the bundle's folder. Of one that starts a
 * thread it says where the module would be in the bundle, so that it finds the thread's own (`threadModules`) there.
 */
function ownPlaces(): Plugin {
  const starters = new Set(STARTERS.map((file) => join(src, file)));
  return {
    name: 'own-places',
    transform(code, id) {
      if (!id.startsWith(src) || !code.includes('import.meta.')) return undefined;
      const file = relative(src, id).replace(/\.ts$/, '.js');
      const own = `new URL('${starters.has(id) ? './' : '../'}${file}', import.meta.url)`;
      const folder = `decodeURIComponent(new URL('.', ${own}).pathname)`;
      const place = (_: string, name: string): string => (name === 'url' ? `${own}.href` : folder);
      // No line moves.
      return { code: code.replace(/import\.meta\.(url|dirname)/g, place), map: null };
    },
  };
}

/** What a thread's joined file is called: all joined files lie in one folder. */
function joinedName(thread: string): string {
  return thread.replace(/\.ts$/, '').replaceAll('/', '-');
}

/** A thread begins with a module, at the place that its starter knows, as which `bundle.ts` loads its joined file. */
function threadModules(): Plugin {
  return {
    name: 'thread-modules',
    generateBundle() {
      for (const thread of THREADS) {
        const up = '../'.repeat(thread.split('/').length - 1);
        const file = `new URL('${up}${joinedName(thread)}${BUNDLE_SUFFIX}', import.meta.url)`;
        const load = `import { loadThread } from '${up}../bundle.js';\nloadThread(decodeURIComponent(${file}.pathname));\n`;
        this.emitFile({ type: 'asset', fileName: thread.replace(/\.ts$/, '.js'), source: load });
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
      input: {
        program: join(src, 'cli/program.ts'),
        ...Object.fromEntries(THREADS.map((thread) => [joinedName(thread), join(src, thread)])),
      },
      output: { format: 'cjs', entryFileNames: `[name]${BUNDLE_SUFFIX}`, chunkFileNames: `[name]${BUNDLE_SUFFIX}` },
    },
  },
};

export default config;
