/**
 * Real captures by others against what another tool says they contain: statements with their texts, users, errors.
 * Needs `../shared/pcaps` beside the checkout; says so and is skipped without.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { type JsonRecord, replayToRecords } from '../support/replay.ts';
import { DIFFERENCES } from './differences.ts';

const ROOT = resolve(import.meta.dirname, '../../../../shared/pcaps');
const PROTOCOLS = ['postgres', 'mysql'];
/** Truth rows that stand for an executed statement. */
const EXECUTED = new Set(['query', 'execute']);

interface TruthRow {
  readonly kind: string;
  readonly text: string | null;
  readonly src: string;
  readonly time: string;
  readonly user?: string;
}

interface Truth {
  readonly statements: readonly TruthRow[];
  readonly logins: readonly TruthRow[];
}

for (const protocol of PROTOCOLS) {
  const folder = join(ROOT, protocol);
  if (!existsSync(folder)) {
    test(`captures by others: ${protocol}`, (t) => t.skip('../shared/pcaps is not beside this checkout'));
    continue;
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.truth.json'))) {
    const base = file.slice(0, -'.truth.json'.length);
    const capture = readdirSync(folder).find((name) => name.startsWith(`${base}.pcap`));
    test(`captures by others: ${protocol}/${base}`, () => {
      assert.ok(capture);
      const truth = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Truth;
      const records = replayToRecords([join(folder, capture)]);
      const difference = DIFFERENCES[base];
      const expected = truth.statements.filter((row) => EXECUTED.has(row.kind)).map((row) => flat(row.text ?? ''));
      assert.deepEqual(requests(records).sort(), (difference?.statements ?? expected).map(flat).sort());
      const users = [...new Set(truth.logins.flatMap((row) => row.user || []))].sort(); // '' stands for a TLS request
      const seen = [...new Set(records.flatMap((record) => record['user.name'] ?? []))].sort();
      assert.deepEqual(seen, difference?.users ?? users);
    });
  }
}

/** Texts of what was executed; the statements of one request are put together again. */
function requests(records: readonly JsonRecord[]): string[] {
  const texts = new Map<string, string>();
  for (const [index, record] of records.entries()) {
    if (record['audit.kind'] !== 'statement' || !isExecution(record)) continue;
    const simple = record['audit.call'] === 'simple';
    const key = simple ? `${record['audit.session']} ${record.time}` : String(index);
    texts.set(key, (texts.get(key) ?? '') + flat(record['db.query.text'] ?? ''));
  }
  return [...texts.values()];
}

function isExecution(record: JsonRecord): boolean {
  return record['audit.call'] !== 'command' && record['audit.call'] !== 'prepare';
}

/** Without what splitting a request may remove: separators and space around them. */
function flat(text: string): string {
  return text.replace(/[;\s\0]+/g, '');
}
