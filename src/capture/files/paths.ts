/** What the user names as input, turned into a list of files: files, folders and glob patterns. */
import { closeSync, readdirSync, readSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../batch.ts';
import type { Compression } from './inflate.ts';
import { errorCode, openFailure, openOrThrow } from './input.ts';
import { pcapLittleEndian } from './pcap.ts';
import { BLOCK_SECTION_HEADER } from './pcapng.ts';

/** Standard input. */
export const STDIN_PATH = '-';

/** More files than anyone replays at once; a pattern that matches this many is a mistake. */
const FILES_MAX = 1_000_000;

const GZIP_MAGIC = 0x1f8b;
const ZSTD_MAGIC = 0xfd2fb528;
const MAGIC_BYTES = 4;

/** In a folder, a compressed file is taken for a capture by its name only. */
const COMPRESSED_CAPTURE = /cap(ng)?\d*\.(gz|zst)$/i;
const GLOB = /[*?[]/;

export type FileKind = 'pcap' | 'pcapng' | Compression;

/** What a file is by its first bytes (at least 4); `undefined` when it is no capture. */
export function kindOf(bytes: Uint8Array, start: number, end: number): FileKind | undefined {
  if (end - start < MAGIC_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, MAGIC_BYTES);
  if (pcapLittleEndian(view, 0) !== undefined) return 'pcap';
  if (view.getUint32(0) === BLOCK_SECTION_HEADER) return 'pcapng';
  if (view.getUint16(0) === GZIP_MAGIC) return 'gzip';
  return view.getUint32(0, true) === ZSTD_MAGIC ? 'zstd' : undefined;
}

/** Kind of the regular file at `path`. Throws `InputError` when it cannot be read. */
function kindOfFile(path: string): FileKind | undefined {
  const fd = openOrThrow(path);
  try {
    const magic = new Uint8Array(MAGIC_BYTES);
    return kindOf(magic, 0, readSync(fd, magic, 0, MAGIC_BYTES, 0));
  } catch (error) {
    throw new InputError(`${path}: cannot be read (${errorCode(error)})`);
  } finally {
    closeSync(fd);
  }
}

export interface InputFile {
  readonly path: string;
  /** Size as stored; `undefined` for pipes. */
  readonly bytes: number | undefined;
  readonly kind: FileKind | undefined;
}

/**
 * Expands and checks what the user named, in the order given; folders (with what lies below) and patterns in natural
 * order of their names, so that `x.pcap2` comes before `x.pcap10`. In folders everything that is no capture is left out.
 * Throws `InputError` for the first name that cannot be used.
 */
export function expandPaths(paths: readonly string[]): InputFile[] {
  const files: InputFile[] = [];
  for (const path of paths) {
    if (path === STDIN_PATH) files.push({ path, bytes: undefined, kind: undefined });
    else expandPath(path, files);
    if (files.length > FILES_MAX) throw new InputError(`${path}: more than ${FILES_MAX} files`);
  }
  return files;
}

function expandPath(path: string, files: InputFile[]): void {
  const stat = statOf(path);
  if (stat === undefined) {
    const matches = GLOB.test(path) ? glob(path) : [];
    if (matches.length === 0) throw new InputError(`${path}: no such file`);
    for (const match of matches) expandPath(match, files);
  } else if (stat.isDirectory()) {
    const before = files.length;
    addFolder(path, files);
    if (files.length === before) throw new InputError(`${path}: no pcap or pcapng file in this folder`);
  } else if (stat.isFile()) {
    const kind = kindOfFile(path);
    if (kind === undefined) throw notACapture(path);
    files.push({ path, bytes: stat.size, kind });
  } else {
    files.push({ path, bytes: undefined, kind: undefined });
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new InputError(`${path}: ${openFailure(errorCode(error))}`);
  }
}

export function notACapture(name: string): InputError {
  return new InputError(`${name} is not a pcap or pcapng file`);
}

function addFolder(folder: string, files: InputFile[]): void {
  for (const entry of entries(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      addFolder(path, files);
      continue;
    }
    const stat = statOf(path);
    if (stat === undefined || !stat.isFile()) continue;
    const kind = kindOfFile(path);
    const isCapture = kind === 'pcap' || kind === 'pcapng' || (kind !== undefined && COMPRESSED_CAPTURE.test(path));
    if (isCapture) files.push({ path, bytes: stat.size, kind });
  }
}

/** Made when first asked for: it takes 6 ms, a twentieth of a short replay. */
let natural: Intl.Collator | undefined;

function entries(folder: string): { name: string; isDirectory(): boolean }[] {
  try {
    natural ??= new Intl.Collator('en', { numeric: true });
    const { compare } = natural;
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => compare(a.name, b.name));
  } catch (error) {
    throw new InputError(`${folder}: ${openFailure(errorCode(error))}`);
  }
}

/** Existing paths that match: `*`, `?` and `[…]` within a name, `**` for any depth of folders. Hidden names never match. */
function glob(pattern: string): string[] {
  const parts = pattern.split('/');
  // An absolute pattern starts with an empty part.
  const root = parts[0] === '' ? '/' : '';
  return globFrom(root, root === '' ? parts : parts.slice(1));
}

function globFrom(folder: string, parts: readonly string[]): string[] {
  const [part, ...rest] = parts;
  if (part === undefined) return [folder];
  if (part === '**') {
    const found = globFrom(folder, rest);
    for (const entry of visible(folder)) {
      if (entry.isDirectory()) found.push(...globFrom(join(folder, entry.name), parts));
    }
    return found;
  }
  if (!GLOB.test(part)) {
    const path = join(folder, part);
    return statOf(path) === undefined ? [] : globFrom(path, rest);
  }
  const matcher = partMatcher(part);
  const found: string[] = [];
  for (const entry of visible(folder)) {
    if (!matcher.test(entry.name)) continue;
    if (rest.length === 0 || entry.isDirectory()) found.push(...globFrom(join(folder, entry.name), rest));
  }
  return found;
}

function visible(folder: string): { name: string; isDirectory(): boolean }[] {
  return entries(folder === '' ? '.' : folder).filter((entry) => !entry.name.startsWith('.'));
}

function partMatcher(part: string): RegExp {
  const source = part
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\[!/g, '[^')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  try {
    return new RegExp(`^${source}$`);
  } catch {
    throw new InputError(`${part}: not a valid pattern`);
  }
}
