/**
 * Captures of DB2 and Derby by others against what another tool says they contain: executed statements, users, errors,
 * commits. Needs `../shared/pcaps` beside the checkout; says so and is skipped without.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { replayToRecords } from '../support/replay.ts';

const FOLDER = resolve(import.meta.dirname, '../../../../shared/pcaps/drda');
/** Commands that carry their text with them when executed; the others are resolved by section. */
const IMMEDIATE: ReadonlySet<string | undefined> = new Set(['EXCSQLIMM', 'EXCSQLSET']);

interface TruthRow {
  readonly kind: string;
  readonly command?: string;
  readonly text?: string | null;
  readonly user?: string;
  readonly sqlstate?: string;
}

interface Truth {
  readonly statements: readonly TruthRow[];
  readonly logins: readonly TruthRow[];
  readonly errors: readonly TruthRow[];
}

if (!existsSync(FOLDER)) {
  test('captures by others: drda', (t) => t.skip('../shared/pcaps is not beside this checkout'));
} else {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.truth.json'))) {
    const base = file.slice(0, -'.truth.json'.length);
    test(`captures by others: drda/${base}`, () => compare(base));
  }
}

function compare(base: string): void {
  const truth = JSON.parse(readFileSync(join(FOLDER, `${base}.truth.json`), 'utf8')) as Truth;
  const records = replayToRecords([join(FOLDER, `${base}.pcap`)]);
  const executed = truth.statements.filter(
    ({ kind, command }) => kind === 'EXCSQLSTT' || kind === 'OPNQRY' || (kind === 'SQLSTT' && IMMEDIATE.has(command)),
  );
  assert.deepEqual(
    records.flatMap((record) => record['db.query.text'] ?? []).sort(),
    executed.flatMap((row) => row.text ?? []).sort(),
  );
  assert.equal(
    records.filter((record) => record['db.operation.name'] === 'COMMIT').length,
    truth.statements.filter(({ kind }) => kind === 'RDBCMM').length,
  );
  assert.deepEqual(
    records.flatMap((record) => record['db.response.status_code'] ?? []).sort(),
    truth.errors.flatMap((row) => row.sqlstate ?? []).sort(),
  );
  assert.deepEqual(
    records.filter((record) => record['audit.kind'] === 'login').map((record) => record['user.name']),
    truth.logins.flatMap((row) => row.user ?? []),
  );
}
