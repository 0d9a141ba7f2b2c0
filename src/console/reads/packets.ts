/** Packets that a sensor kept of a session, as one pcapng file. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractFromEvidence } from '../../sensor/extract.ts';
import type { Source } from './source.ts';

const SESSION = /^[0-9a-f]{24}$/;

/** `undefined` when there are none. Throws a UserError when the folder cannot be read. */
export function packets(
  _source: Source,
  { evidence, session }: { readonly evidence: string; readonly session: string },
): Uint8Array | undefined {
  if (!SESSION.test(session)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-packets-'));
  const path = join(folder, 'session.pcapng');
  try {
    return extractFromEvidence(evidence, session, path) === 0 ? undefined : readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
