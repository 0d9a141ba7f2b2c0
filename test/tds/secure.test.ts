/** Real clients that log in over TLS or by NTLM, and what is recorded of them by a sensor that has no key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonRecord } from '../support/replay.ts';
import { type Encryption, missing, PYTHON, pymssqlOverTls, TSQL_TEXTS, tsqlByNtlm, tsqlOverTls } from './programs.ts';
import { asked, askedOf, recordsOf, statements } from './records.ts';
import { DENIED_USER, type ScriptedServer, type Security } from './server.ts';
import { askAll, close, connect, EVERYTHING, NTLM } from './tedious.ts';
import { makeCredentials } from './transport.ts';

const skipsTls: string | false = missing('openssl');
const skipsTsql: string | false = missing('tsql') || skipsTls;
const security: Security | undefined = skipsTls ? undefined : { credentials: makeCredentials() };

const only = (records: readonly JsonRecord[]): JsonRecord | undefined => {
  assert.equal(records.length, 1);
  return records[0];
};

const users = (records: readonly JsonRecord[]): unknown[] => [...new Set(records.map((r) => r['user.name']))];

test('tedious by NTLM: the user is the one of the last message, for every record', async () => {
  const records = await recordsOf(async (port) => {
    const connection = await connect(port, NTLM);
    await askAll(connection);
    await close(connection);
  });
  assert.deepEqual([records[0]?.['audit.kind'], records[0]?.['audit.auth_method']], ['login', 'ntlm']);
  assert.deepEqual(users(records), ['SHOP\\ann']);
  const [, ...rest] = statements(records).map(askedOf);
  assert.deepEqual(rest, EVERYTHING);
});

test('FreeTDS by NTLM: the user is the one of the last message', { skip: missing('tsql') }, async () => {
  const records = await recordsOf(tsqlByNtlm);
  assert.deepEqual([records[0]?.['audit.kind'], records[0]?.['audit.auth_method']], ['login', 'ntlm']);
  assert.deepEqual(users(records), ['SHOP\\ann']);
  assert.deepEqual(
    asked(records).map(({ text }) => text?.trim()),
    TSQL_TEXTS,
  );
});

test('FreeTDS, TLS for the login only: no user, all SQL', { skip: skipsTsql }, async () => {
  const records = await recordsOf((port) => tsqlOverTls(port, 'request'), security);
  const [login] = records;
  assert.deepEqual([login?.['audit.kind'], login?.['audit.auth_method']], ['login', 'encrypted']);
  assert.equal(login?.['db.namespace'], 'shop');
  assert.deepEqual(users(records), [undefined]);
  assert.deepEqual(
    statements(records).map((r) => [r['db.query.text']?.trim(), r['audit.marks']]),
    TSQL_TEXTS.map((text) => [text, undefined]),
  );
  const [query, , refused] = statements(records);
  assert.equal(query?.['db.response.returned_rows'], 2);
  assert.equal(refused?.['db.response.status_code'], '208');
  assert.equal(records.at(-1)?.['audit.kind'], 'logout');
});

test('FreeTDS, TLS for a login that is refused: the error is seen', { skip: skipsTsql }, async () => {
  const records = await recordsOf((port) => tsqlOverTls(port, 'request', DENIED_USER), security);
  const login = only(records);
  assert.deepEqual([login?.['audit.kind'], login?.['audit.auth_method']], ['login', 'encrypted']);
  assert.deepEqual(
    [login?.['user.name'], login?.['db.response.status_code'], login?.['error.message']],
    [undefined, '18456', `Login failed for user '${DENIED_USER}'.`],
  );
});

test('pymssql, TLS for the login only: batches and the values of a call', {
  skip: PYTHON === undefined ? 'NOT RUN: pymssql is not installed' : skipsTls,
}, async () => {
  const records = await recordsOf(pymssqlOverTls, security);
  assert.equal(records[0]?.['audit.auth_method'], 'encrypted');
  assert.deepEqual(users(records), [undefined]);
  const texts = asked(records).map(({ text }) => text);
  assert.equal(texts.filter((text) => text === 'select name, id from customers where id = 7').length, 1);
  const call = only(statements(records).filter((r) => r['db.stored_procedure.name'] === 'dbo.p_report'));
  assert.deepEqual(call?.['db.query.parameters'], [5, 'five']);
});

/** The one record of a connection that TLS hides: what the handshake says. The server has heard all of `batches`. */
async function hidden(
  use: (port: number, server: ScriptedServer) => Promise<void>,
  batches: readonly string[],
  demandsAll = false,
): Promise<unknown> {
  assert.ok(security !== undefined);
  let heard: readonly string[] = [];
  const records = await recordsOf(
    (port, server) => {
      heard = server.batches;
      return use(port, server);
    },
    { ...security, demandsAll },
  );
  assert.deepEqual(
    heard.map((text) => text.trim()).filter((text) => batches.includes(text)),
    batches,
  );
  const record = only(records);
  assert.deepEqual([record?.['audit.kind'], record?.['audit.reason']], ['opaque', 'tls']);
  return record?.['audit.tls'];
}

const TLS_CASES: readonly { about: string; encryption: Encryption; demandsAll: boolean }[] = [
  { about: 'the client wants all in TLS', encryption: 'require', demandsAll: false },
  { about: 'the client wants the login in TLS, the server all', encryption: 'request', demandsAll: true },
];
for (const { about, encryption, demandsAll } of TLS_CASES) {
  test(`FreeTDS, ${about}: one opaque record`, { skip: skipsTsql }, async () => {
    const tls = await hidden((port) => tsqlOverTls(port, encryption), TSQL_TEXTS, demandsAll);
    assert.deepEqual(tls, {
      version: 'TLSv1.2',
      cipher: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
      subject: 'CN=localhost',
    });
  });
}

const BATCH = 'select name, id from customers';

/** One batch by tedious with TLS of this kind. */
function overTls(encrypt: true | 'strict'): (port: number) => Promise<void> {
  return async (port) => {
    assert.ok(security !== undefined);
    const connection = await connect(port, 'ann', { encrypt, credentials: security.credentials });
    await askAll(connection);
    await close(connection);
  };
}

test('tedious, TLS for everything: one opaque record', { skip: skipsTls }, async () => {
  assert.deepEqual(await hidden(overTls(true), [BATCH]), {
    sni: 'localhost',
    version: 'TLSv1.2',
    cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    subject: 'CN=localhost',
  });
});

test('tedious, TDS 8.0: TLS from the first byte is one opaque record', { skip: skipsTls }, async () => {
  assert.deepEqual(await hidden(overTls('strict'), [BATCH]), {
    sni: 'localhost',
    alpn: 'tds/8.0',
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
  });
});
