/**
 * Joins the modules of the program into few files, `dist/bundle`, which `main.ts` prefers while they are as new as the
 * compiled modules: several hundred small files take longer to load than a small capture to replay.
 *
 * Places of other files (policies, threads, the console's pages) stay those of the module that names them.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Plugin, UserConfig } from 'vite';

const src: string = import.meta.dirname;
/** Threads that are worth joining as well, with the module that starts each. */
const THREADS: readonly (readonly [string, string])[] = [
  ['sensor/shard-worker.ts', 'sensor/sharded-replay.ts'],
  ['sensor/capture-worker.ts', 'sensor/live.ts'],
];
/** Packages that are small, and loaded by every run. */
const JOINED: readonly string[] = ['commander', 'fzstd'];

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

const config: UserConfig = {
  root: src,
  plugins: [staticProtocols(), ownPlaces()],
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
      output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
    },
  },
};

export default config;
