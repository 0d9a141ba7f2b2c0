/** Packets that a sensor kept of a session, as one pcapng file. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { valueFilter } from '../../query/build.ts';
import { extractFromEvidence } from '../../sensor/extract.ts';
import type { Source } from './source.ts';
import type { Seen } from './task.ts';

const SESSION = /^[0-9a-f]{24}$/;

/** `undefined` when there are none that the asker may see. Throws a UserError when the folder cannot be read. */
export function packets(
  source: Source,
  { evidence, session }: Seen<{ readonly evidence: string; readonly session: string }>,
): Uint8Array | undefined {
  if (!SESSION.test(session)) return undefined;
  // A session may have gone from one database to another: its packets hold all of it.
  if (!source.isWhole(valueFilter('session', session))) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-packets-'));
  const path = join(folder, 'session.pcapng');
  try {
    return extractFromEvidence(evidence, session, path) === 0 ? undefined : readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
