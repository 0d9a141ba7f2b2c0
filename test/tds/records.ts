/** The records of what clients and the scripted server said to each other, and what they say was asked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JsonRecord, replayToRecords } from '../support/replay.ts';
import { ScriptedServer, type Security } from './server.ts';
import type { Asked } from './tedious.ts';

/** Runs `use` against a server and returns the records of the traffic. */
export async function recordsOf(
  use: (port: number, server: ScriptedServer) => Promise<void>,
  security?: Security,
): Promise<JsonRecord[]> {
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-tds-'));
  try {
    const server = new ScriptedServer(security);
    await use(await server.listen(), server);
    await server.close();
    const path = join(directory, 'capture.pcap');
    server.recorder.save(path);
    return replayToRecords([path]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export function askedOf(record: JsonRecord): Asked {
  const procedure = record['db.stored_procedure.name'];
  const parameters = record['db.query.parameters'];
  return {
    text: record['db.query.text'],
    ...(typeof procedure === 'string' ? { procedure } : {}),
    ...(parameters ? { parameters } : {}),
    call: record['audit.call'] ?? '',
  };
}

export function statements(records: readonly JsonRecord[]): JsonRecord[] {
  return records.filter((r) => r['audit.kind'] === 'statement');
}

/** The records of one program's session, without what it does to set itself up. */
export function asked(records: readonly JsonRecord[]): Asked[] {
  return statements(records)
    .map(askedOf)
    .filter(({ text }) => !/^\s*(set\s|use\s|select @@spid)/i.test(text ?? '') && text !== undefined);
}
