import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditRow, type GeneralRow, readMariadbLog } from './mariadb-log.ts';

const CLIENTS: ReadonlyMap<string, string> = new Map([['7', '10.0.0.2:40000']]);

let queryId = 0;

function general(command: string, argument: string, user = 'alice'): GeneralRow {
  return { thread: '7', userHost: `${user}[${user}] @  [10.0.0.2]`, command, argument };
}

function audit(text: string, errorCode = 0, operation = 'QUERY'): AuditRow {
  return { thread: '7', queryId: queryId++, operation, text, errorCode };
}

const CONNECT = general('Connect', 'alice@10.0.0.2 on lab using TCP/IP');

function read(rows: readonly GeneralRow[], audited: readonly AuditRow[] = []): unknown[] {
  return readMariadbLog([CONNECT, ...rows], audited, [], CLIENTS)
    .slice(1)
    .map((entry) => (entry.kind === 'login' ? entry : [entry.command, entry.text, entry.errorCode]));
}

test('mariadb log: a login, and one that was refused', () => {
  const expected = {
    kind: 'login',
    server: 'mariadb',
    session: '7',
    client: '10.0.0.2:40000',
    user: 'alice',
    tls: false,
  };
  assert.deepEqual(readMariadbLog([CONNECT], [], [], CLIENTS), [{ ...expected, database: 'lab' }]);
  const denied = general('Connect', "Access denied for user 'alice'@'10.0.0.2' (using password: YES)");
  const refused = readMariadbLog([CONNECT, denied], [audit('', 1045, 'FAILED_CONNECT')], [], CLIENTS);
  assert.deepEqual(refused, [{ ...expected, database: 'lab', errorCode: '1045' }]);
});

test('mariadb log: an encrypted login', () => {
  const [entry] = readMariadbLog([general('Connect', 'alice@10.0.0.2 on  using SSL/TLS')], [], [], CLIENTS);
  assert.ok(entry?.kind === 'login' && entry.tls && entry.database === undefined);
});

test('mariadb log: outcomes are laid beside the statements they are in', () => {
  const rows = [general('Query', "select 1; select 'a;b'; selec"), general('Query', 'select 2')];
  assert.deepEqual(read(rows, [audit('select 1'), audit("select 'a;b'"), audit('selec', 1064), audit('select 2')]), [
    ['query', "select 1; select 'a;b'; selec", '1064'],
    ['query', 'select 2', undefined],
  ]);
});

test('mariadb log: one text twice, the second time in vain', () => {
  const insert = 'insert into t values (1)';
  const rows = [general('Query', insert), general('Query', insert)];
  assert.deepEqual(read(rows, [audit(insert), audit(insert, 1062)]), [
    ['query', insert, undefined],
    ['query', insert, '1062'],
  ]);
});

test('mariadb log: a failed prepare comes where it was', () => {
  const rows = [general('Query', 'select 1'), general('Query', 'select 2')];
  assert.deepEqual(read(rows, [audit('select 1'), audit('select * from nope where a = ?', 1146), audit('select 2')]), [
    ['query', 'select 1', undefined],
    ['execute', 'select * from nope where a = ?', '1146'],
    ['query', 'select 2', undefined],
  ]);
});

test("mariadb log: a procedure's own failure is its CALL's", () => {
  assert.deepEqual(read([general('Query', 'call p()')], [audit('call p()', 1146), audit('select * from nope', 1146)]), [
    ['query', 'call p()', '1146'],
  ]);
});

test('mariadb log: executions, in bulk and not, and those of SQL itself', () => {
  const rows = [
    general('Prepare', 'insert into t values (?)'),
    general('Execute', 'insert into t values (5)'),
    general('Execute', 'insert into t values (?)'),
    general('Query', 'prepare s from "select ?"'),
    general('Prepare', 'select ?'),
    general('Query', 'execute s using @a'),
    general('Execute', 'select 5'),
  ];
  assert.deepEqual(read(rows), [
    ['inlined', 'insert into t values (5)', undefined],
    ['bulk', 'insert into t values (?)', undefined],
    ['query', 'prepare s from "select ?"', undefined],
    ['query', 'execute s using @a', undefined],
  ]);
});

test('mariadb log: user and database in force', () => {
  const rows = [
    general('Query', 'use other'),
    general('Query', 'select 1'),
    general('Init DB', 'third'),
    general('Query', 'select 2'),
    general('Change user', 'bob@10.0.0.2 on lab using TCP/IP', 'bob'),
    general('Query', 'select 3', 'bob'),
  ];
  const entries = readMariadbLog([CONNECT, ...rows], [], [], CLIENTS).filter((entry) => entry.kind === 'statement');
  assert.deepEqual(
    entries.map((entry) => [entry.user, entry.loginUser, entry.database]),
    [
      ['alice', 'alice', 'lab'],
      ['alice', 'alice', 'other'],
      ['alice', 'alice', 'third'],
      ['bob', 'alice', 'lab'],
    ],
  );
});

test('mariadb log: characters beyond the log table', () => {
  assert.deepEqual(read([general('Query', "select '\\xF0\\x9F\\x98\\x80'")]), [['query', "select '😀'", undefined]]);
});

test('mariadb log: rows of each statement of a message, of an EXECUTE in SQL, and of what follows', () => {
  const rows = [
    general('Query', "select 'a'; update t set a = 1"),
    general('Query', 'execute plus using @a'),
    general('Execute', 'select 41 + 1'),
    general('Prepare', 'insert into t values (?)'),
    general('Execute', 'insert into t values (?)'),
    general('Query', 'select 2'),
  ];
  const slow = [
    { thread: '7', returned: 1, affected: 0, text: "select 'a'" },
    { thread: '7', returned: 0, affected: 5, text: 'update t set a = 1' },
    { thread: '7', returned: 1, affected: 0, text: 'select 41 + 1' },
    { thread: '7', returned: 0, affected: 0, text: 'insert into t values (?)' },
    { thread: '7', returned: 2, affected: 0, text: 'select 2' },
  ];
  const entries = readMariadbLog([CONNECT, ...rows], [], slow, CLIENTS).slice(1);
  assert.deepEqual(
    entries.map((entry) => (entry.kind === 'statement' ? entry.rows : entry)),
    [
      [
        { returned: 1, affected: 0 },
        { returned: 0, affected: 5 },
      ],
      [{ returned: 1, affected: 0 }],
      undefined,
      [{ returned: 2, affected: 0 }],
    ],
  );
});
