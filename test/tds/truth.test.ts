/**
 * Captures by others against what another tool says they contain. Needs `../shared/pcaps` beside the checkout; says so
 * and is skipped without.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { type JsonRecord, replayToRecords } from '../support/replay.ts';

const ROOT = resolve(import.meta.dirname, '../../../../shared/pcaps/tds');

interface TruthStatement {
  readonly kind: 'batch' | 'rpc';
  readonly proc?: string | null;
  readonly text: string | null;
  readonly src: string;
  readonly params?: readonly unknown[];
}

/** A request as both tools can name it: client, procedure, text without the space around it. */
type Request = readonly [client: string, procedure: string, text: string];

/** A text that is prepared once is given with each execution here, and only once there. */
function byTruth(statement: TruthStatement): Request {
  return [statement.src, statement.proc ?? '', (statement.text ?? '').trim()];
}

function byRecord(record: JsonRecord): Request {
  const procedure = String(record['db.stored_procedure.name'] ?? '');
  const text = procedure === 'sp_execute' ? '' : (record['db.query.text'] ?? '').trim();
  return [`${record['client.address']}:${record['client.port']}`, procedure, text];
}

/** One request of two calls, sp_execute with the same handle twice: two executions here, one line there. */
const CALLED_TWICE: Request = ['10.111.111.111:5555', 'sp_execute', ''];
/** A request of two packets, in the second of which the other tool sees a request of its own, without a name. */
const TWO_PACKETS: Request = ['10.111.111.111:6666', 'p_SaveExample', ''];

function expected(statements: readonly TruthStatement[]): Request[] {
  const named = statements.map(byTruth).filter(([, procedure, text]) => procedure + text !== '');
  return statements.some(({ src }) => src === TWO_PACKETS[0]) ? [...named, TWO_PACKETS, CALLED_TWICE] : named;
}

for (const base of ['arkime__tds7', 'ndpi__mssql_tds', 'malcolm__TDS']) {
  const capture = join(ROOT, `${base}.pcap`);
  const skip = existsSync(capture) ? false : '../shared/pcaps is not here';
  test(`captures by others: tds/${base}`, { skip }, () => {
    const truth = JSON.parse(readFileSync(join(ROOT, `${base}.truth.json`), 'utf8')) as {
      statements: TruthStatement[];
      logins: { user?: string }[];
    };
    const records = replayToRecords([capture]);
    const found = records.filter((record) => record['audit.kind'] === 'statement').map(byRecord);
    assert.deepEqual(found.sort(), expected(truth.statements).sort());
    const users = records.filter((record) => record['audit.kind'] === 'login').map((record) => record['user.name']);
    assert.deepEqual(
      users,
      truth.logins.flatMap(({ user }) => user ?? []),
    );
  });
}
