/**
 * Fails the build when the application outgrows its budget, in gzip bytes: what the first view loads, each route loaded
 * later, all styles. Prints one line a file group so that growth is seen before it hurts.
 */
import { gzipSync } from 'node:zlib';
import type { Plugin, Rolldown } from 'vite';

type OutputBundle = Rolldown.OutputBundle;
type OutputChunk = Rolldown.OutputChunk;

const FIRST_VIEW_BYTES_MAX = 120_000;
const ROUTE_BYTES_MAX = 40_000;
/** The policy editor alone carries CodeMirror. */
const EDITOR_BYTES_MAX = 150_000;
const STYLE_BYTES_MAX = 15_000;

const EDITOR_CHUNK = 'editor';
/** The page a reader lands on after signing in belongs to the first view, although it is a chunk of its own. */
const LANDING_CHUNK = 'overview';

export function sizeBudget(): Plugin {
  return {
    name: 'size-budget',
    apply: 'build',
    generateBundle(_options, bundle): void {
      const chunks = Object.values(bundle).filter((file): file is OutputChunk => file.type === 'chunk');
      const initial = closure(
        bundle,
        chunks.filter((chunk) => chunk.isEntry || chunk.name === LANDING_CHUNK),
      );
      const over: string[] = [];
      const check = (name: string, bytes: number, max: number): void => {
        this.info(`${name}: ${(bytes / 1000).toFixed(1)} of ${max / 1000} kB gzip`);
        if (bytes > max) over.push(`${name} is ${bytes} bytes, budget ${max}`);
      };
      check('first view', bytesOf(initial), FIRST_VIEW_BYTES_MAX);
      for (const chunk of chunks) {
        if (!chunk.isDynamicEntry || initial.has(chunk)) continue;
        const own = [...closure(bundle, [chunk])].filter((part) => !initial.has(part));
        check(`route ${chunk.name}`, bytesOf(own), chunk.name === EDITOR_CHUNK ? EDITOR_BYTES_MAX : ROUTE_BYTES_MAX);
      }
      check('styles', styleBytes(bundle), STYLE_BYTES_MAX);
      if (over.length > 0) this.error(over.join('; '));
    },
  };
}

/** The chunks and all that they import statically. */
function closure(bundle: OutputBundle, roots: readonly OutputChunk[]): Set<OutputChunk> {
  const found = new Set<OutputChunk>(roots);
  for (const chunk of found) {
    for (const name of chunk.imports) {
      const imported = bundle[name];
      if (imported?.type === 'chunk') found.add(imported);
    }
  }
  return found;
}

function bytesOf(chunks: Iterable<OutputChunk>): number {
  let bytes = 0;
  for (const chunk of chunks) bytes += gzipSync(chunk.code).length;
  return bytes;
}

function styleBytes(bundle: OutputBundle): number {
  let bytes = 0;
  for (const file of Object.values(bundle)) {
    if (file.type === 'asset' && file.fileName.endsWith('.css')) bytes += gzipSync(file.source).length;
  }
  return bytes;
}
