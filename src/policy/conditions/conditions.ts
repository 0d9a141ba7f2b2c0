/** The table of all conditions a rule can name. Reading, the JSON schema and editor help are all derived from it. */
import { type Definition, fixed } from './definition.ts';
import { type Facts, KIND_LOGIN, KIND_STATEMENT } from './facts.ts';
import { count, firstSeen, time } from './memory-conditions.ts';
import { database, kind, marks, name, names, network, outcome, port, threshold, words } from './simple-conditions.ts';
import { keyword, regex } from './text-conditions.ts';

const TRANSACTION_STATES = ['idle', 'open', 'failed'] as const;
const NONE: readonly string[] = [];
const ANSWERED = KIND_LOGIN | KIND_STATEMENT;

export const CONDITIONS: Readonly<Record<string, Definition>> = {
  kind: fixed(kind),
  user: name('Database user of the login.', ({ record }) => record.user),
  effective_user: name('User after SET ROLE, EXECUTE AS and the like.', ({ record }) => record.effectiveUser),
  os_user: name('User of the client machine, as the client says.', ({ record }) => record.osUser),
  end_user: name('User of the application, where it names one.', ({ record }) => record.endUser),
  program: name('Client program, as it names itself.', ({ record }) => record.program),
  client_host: name('Name of the client machine, as the client says.', ({ record }) => record.clientHost),
  client: network('Address of the client.', ({ record }) => record.clientAddress),
  server: network('Address of the server.', ({ record }) => record.serverAddress, true),
  server_port: port('Port of the server.', (record) => record.serverPort),
  database,
  system: name('Product, db.system.name: postgresql, mysql, oracle.db, …', ({ record }) => record.system),
  call: name(
    'How it was sent, audit.call: simple, prepared, rpc, bulk, copy, …',
    ({ record }) => record.call,
    KIND_STATEMENT,
  ),
  sensor: name('Name of the sensor.', ({ record }) => record.sensor),
  reason: name('Why a connection is opaque, how a session ended, what a loss was.', ({ record }) => record.reason),
  operation: fixed(
    names(
      'Operation, upper case with its object class: DELETE, CREATE TABLE, CREATE *. Any of them, when a statement has several.',
      operationsOf,
      false,
    ),
  ),
  object: fixed(names('Table, view, … touched. A name without schema matches it in any schema.', objectsOf, true)),
  object_written: fixed(
    names(
      'Table, view, … written or changed. A name without schema matches it in any schema.',
      ({ statement }) => statement?.objectsWritten,
      true,
    ),
  ),
  column: fixed(
    names(
      'Column the text names. A name without table matches it in any table.',
      ({ statement }) => statement?.columns,
      true,
    ),
  ),
  function: fixed(
    names(
      'Function called. A name without schema matches it in any schema.',
      ({ statement }) => statement?.functions,
      true,
    ),
  ),
  procedure: fixed(
    name(
      'Stored procedure called. A name without schema matches it in any schema.',
      ({ record, statement }) => record.procedure ?? statement?.procedure,
      KIND_STATEMENT,
      true,
    ),
  ),
  fingerprint: fixed(
    name(
      'Fingerprint, 16 hexadecimal digits.',
      ({ record, statement }) => record.fingerprint ?? statement?.fingerprint,
      KIND_STATEMENT,
    ),
  ),
  keyword,
  regex,
  auth_method: name('How the user proved who they are.', ({ record }) => record.authMethod, KIND_LOGIN),
  outcome,
  error_code: name('SQLSTATE or native error code.', ({ record }) => record.errorCode, ANSWERED),
  error_text: name('Text of the error.', ({ record }) => record.errorText, ANSWERED),
  transaction: words(
    'State of the transaction after the statement.',
    TRANSACTION_STATES,
    transactionOf,
    () => KIND_STATEMENT,
  ),
  rows: threshold('Rows returned.', ({ record }) => record.returnedRows),
  affected_rows: threshold('Rows inserted, updated or deleted.', ({ record }) => record.affectedRows),
  response_bytes: threshold('Bytes of the reply.', ({ record }) => record.responseBytes),
  bulk_bytes: threshold('Bytes of bulk data the client sent: COPY, LOAD DATA.', ({ record }) => record.bulkBytes),
  text_bytes: threshold(
    'Length of the statement in bytes.',
    ({ record }) => record.textLength ?? byteLength(record.text),
  ),
  parameters: threshold('Number of bind values.', ({ record }) => record.parameters?.length),
  operations: fixed(
    threshold('Number of operations in the statement or batch.', (facts) => operationsOf(facts)?.length),
  ),
  duration: threshold('Time to the last byte of the reply.', ({ record }) => record.durationUs, 'duration', ANSWERED),
  marks,
  time,
  first_seen: firstSeen,
  count,
};

/** A batch's record names all its operations, its analysis only those of one statement. */
function operationsOf({ record, statement }: Facts): readonly string[] | undefined {
  if (record.operations !== undefined) return record.operations;
  if (record.operation !== undefined) return single(record.operation);
  return statement?.operations;
}

function objectsOf({ record, statement }: Facts): readonly string[] | undefined {
  return record.objects ?? statement?.objects;
}

function transactionOf({ record }: Facts): readonly string[] {
  return record.transaction === undefined ? NONE : single(record.transaction);
}

function byteLength(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Buffer.byteLength(text);
}

/** One-element lists, kept: there are few operations, and a list for each record would be garbage. */
const singles = new Map<string, readonly string[]>();
const SINGLES_MAX = 512;

function single(word: string): readonly string[] {
  let list = singles.get(word);
  if (list === undefined) {
    list = [word];
    if (singles.size >= SINGLES_MAX) singles.clear();
    singles.set(word, list);
  }
  return list;
}
