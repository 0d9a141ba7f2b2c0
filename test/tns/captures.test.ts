/**
 * Captures by others against what another tool read of them: texts, users, failures. Needs `../shared/pcaps` beside the
 * checkout; says so and is skipped without.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { type JsonRecord, wiretrail } from '../support/replay.ts';

const FOLDER = resolve(import.meta.dirname, '../../../../shared/pcaps/tns');

interface Row {
  readonly kind: string;
  readonly text?: string;
  readonly user?: string;
  readonly code?: string;
}

interface Truth {
  readonly statements: readonly Row[];
  readonly logins: readonly Row[];
  readonly errors: readonly Row[];
}

/** Exit status of a replay whose records raised an alert. */
const ALERTED = 3;
/** The end of a fetch is no failure; what follows from a failed login belongs to it. */
const NO_FAILURES = new Set(['ORA-01403']);

if (!existsSync(FOLDER)) {
  test('captures by others: tns', (t) => t.skip('../shared/pcaps is not here'));
} else {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.truth.json'))) {
    const base = file.slice(0, -'.truth.json'.length);
    const capture = readdirSync(FOLDER).find((name) => name.startsWith(`${base}.pcap`));
    test(`captures by others: tns/${base}`, () => {
      assert.ok(capture);
      const truth = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Truth;
      const run = wiretrail(['replay', join(FOLDER, capture), '--jsonl', '-']);
      assert.ok(run.status === 0 || run.status === ALERTED, run.stderr);
      const lines = run.stdout.split('\n').filter((line) => line !== '');
      const records = lines.map((line) => JSON.parse(line) as JsonRecord);
      assert.deepEqual(
        records.flatMap((record) => record['db.query.text'] ?? []),
        truth.statements.filter((row) => row.kind === 'sql').map((row) => row.text),
      );
      const users = new Set(truth.logins.flatMap((row) => row.user ?? []));
      assert.deepEqual(new Set(records.flatMap((record) => record['user.name'] ?? [])), users);
      const codes = new Set(truth.errors.map((row) => row.code).filter((code) => code && !NO_FAILURES.has(code)));
      const seen = new Set(records.flatMap((record) => record['db.response.status_code'] ?? []));
      for (const code of seen) assert.ok(codes.has(code), code);
      for (const record of records) assert.equal(record['audit.marks'], undefined);
    });
  }
}
