/** Making folders. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it, unless they are there. Throws the system's error. Node's own recursive form never
 * returns where the file system refuses with ENOENT, as /proc does.
 */
export function makeFolder(path: string, mode?: number): void {
  if (existsSync(path)) return;
  const parent = dirname(resolve(path));
  if (parent !== path) makeFolder(parent, mode);
  try {
    mkdirSync(path, mode);
  } catch (error) {
    // Another process made it in this moment.
    if (!existsSync(path)) throw error;
  }
}
