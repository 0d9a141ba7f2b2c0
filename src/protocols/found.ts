/**
 * Finds the protocols: every folder beside this file with a `protocol.ts` is one. There is no list to edit. In the
 * bundle (`vite.config.ts`) this module is a list of imports, made of the same folders.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ProtocolModule } from '../contracts/protocol.ts';

/** Names of folders, and what their modules export by default. */
export async function findProtocols(): Promise<readonly (readonly [string, ProtocolModule | undefined])[]> {
  const root = import.meta.dirname;
  const found: [string, ProtocolModule | undefined][] = [];
  for (const folder of readdirSync(root).sort()) {
    const file = join(root, folder, 'protocol.js');
    if (!existsSync(file)) continue;
    const { default: module } = (await import(pathToFileURL(file).href)) as { default?: ProtocolModule };
    found.push([folder, module]);
  }
  return found;
}
