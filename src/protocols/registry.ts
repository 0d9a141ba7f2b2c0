/**
 * Finds the protocols: every folder beside this file with a `protocol.ts` is one. There is no list to edit.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ProtocolModule } from '../contracts/protocol.ts';

/** All protocol modules, by name. Throws when a folder's module is not usable: that is a programmer's error. */
export async function loadProtocols(): Promise<readonly ProtocolModule[]> {
  const root = import.meta.dirname;
  const modules: ProtocolModule[] = [];
  for (const folder of readdirSync(root).sort()) {
    const file = join(root, folder, 'protocol.js');
    if (!existsSync(file)) continue;
    const { default: module } = (await import(pathToFileURL(file).href)) as { default?: ProtocolModule };
    modules.push(checked(folder, module));
  }
  return modules;
}

function checked(folder: string, module: ProtocolModule | undefined): ProtocolModule {
  const fault = module === undefined ? 'has no default export' : faultOf(folder, module);
  if (module === undefined || fault) throw new Error(`protocols/${folder}/protocol.ts ${fault}`);
  return module;
}

function faultOf(folder: string, module: ProtocolModule): string | undefined {
  if (module.name !== folder) return `is named ${module.name}, not ${folder}`;
  for (const [limit, value] of Object.entries(module.limits)) {
    if (!Number.isSafeInteger(value) || value < 1) return `has a limit ${limit} that is no positive integer`;
  }
  if (module.limits.resyncFrames < 2) return 'believes a single frame when resynchronising';
  return undefined;
}
