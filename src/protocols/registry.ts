/** The protocols that were found, checked. */
import type { ProtocolModule } from '../contracts/protocol.ts';
import { findProtocols } from './found.ts';

/** All protocol modules, by name. Throws when a folder's module is not usable: that is a programmer's error. */
export async function loadProtocols(): Promise<readonly ProtocolModule[]> {
  const modules: ProtocolModule[] = [];
  for (const [folder, module] of await findProtocols()) modules.push(checked(folder, module));
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
