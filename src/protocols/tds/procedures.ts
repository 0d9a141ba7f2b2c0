/**
 * What a call of a system procedure executes: which of its parameters is a statement, which a handle, which are values.
 * Documented with SQL Server ("sp_executesql", "sp_prepare", "sp_cursoropen" and the like); numbers in MS-TDS §2.2.6.6.
 */
import { type BindValue, MARK_REDACTED, MARK_UNKNOWN_HANDLE, type StatementEvent } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { copyText } from '../sdk/handles.ts';
import type { Channel } from './channel.ts';
import { KIND_STATEMENT, Pending, type Returned } from './pending.ts';
import type { Call } from './rpc.ts';
import { keepPrepared, Prepared, takeTextOf } from './statements.ts';
import { bindValue, isText, type RawValue } from './values.ts';

interface Procedure {
  readonly call: string;
  /** Number of the parameter that is the statement. */
  readonly text?: number;
  /** Number of the parameter that is a handle of the statement. */
  readonly handle?: readonly [number, Returned];
  /** First of the values. */
  readonly values: number;
  /** What the integers that it returns are. */
  readonly returns?: readonly Returned[];
  /** Nothing is executed: recorded only when it fails. */
  readonly silent?: boolean;
  /** The handle ends. */
  readonly frees?: boolean;
  readonly operation?: string;
}

const PROCEDURES: ReadonlyMap<string, Procedure> = new Map<string, Procedure>([
  ['sp_executesql', { call: 'rpc', text: 0, values: 2 }],
  ['sp_prepare', { call: 'prepare', text: 2, values: 4, returns: ['handle'], silent: true }],
  ['sp_prepexec', { call: 'prepared', text: 2, values: 3, returns: ['handle'] }],
  ['sp_prepexecrpc', { call: 'prepared', text: 1, values: 2, returns: ['handle'] }],
  ['sp_execute', { call: 'prepared', handle: [0, 'handle'], values: 1 }],
  ['sp_unprepare', { call: 'prepare', handle: [0, 'handle'], values: 0, silent: true, frees: true }],
  ['sp_cursoropen', { call: 'cursor', text: 1, values: 6, returns: ['cursor'] }],
  ['sp_cursorprepare', { call: 'prepare', text: 2, values: 4, returns: ['handle'], silent: true }],
  ['sp_cursorexecute', { call: 'cursor', handle: [0, 'handle'], values: 5, returns: ['cursor'] }],
  ['sp_cursorprepexec', { call: 'cursor', text: 3, values: 7, returns: ['handle', 'cursor'] }],
  ['sp_cursorunprepare', { call: 'prepare', handle: [0, 'handle'], values: 0, silent: true, frees: true }],
  ['sp_cursorfetch', { call: 'cursor', handle: [0, 'cursor'], values: 1, operation: 'FETCH' }],
  ['sp_cursor', { call: 'cursor', handle: [0, 'cursor'], values: 1, operation: 'CURSOR' }],
  ['sp_cursoroption', { call: 'cursor', handle: [0, 'cursor'], values: 1, silent: true }],
  ['sp_cursorclose', { call: 'cursor', handle: [0, 'cursor'], values: 0, silent: true, frees: true }],
]);

/** Numbers of the parameters that are passwords. By name, any that speaks of one is. */
const SECRETS: ReadonlyMap<string, readonly number[]> = new Map([
  ['sp_addlogin', [1]],
  ['sp_password', [0, 1]],
  ['sp_setapprole', [1]],
  ['sp_addapprole', [1]],
  ['sp_approlepassword', [1]],
  ['sp_addlinkedsrvlogin', [4]],
  ['sp_change_users_login', [3]],
  ['sp_addremotelogin', [2]],
]);
const SECRET_NAME = /passw|pwd|secret|^(old|new)$/;
const REDACTED = '***';

/** Queues one call. */
export function pushCall(channel: Channel, event: StatementEvent, call: Call, sink: EventSink): Pending {
  const name = baseName(call.procedure);
  const known = PROCEDURES.get(name);
  event.procedure = call.procedure;
  const pending = new Pending(KIND_STATEMENT, event);
  if (known === undefined) {
    event.operation = 'EXECUTE';
    event.parameters = plainValues(event, name, call.parameters);
    if (name === 'sp_setapprole') pending.role = roleOf(call.parameters);
  } else {
    event.call = known.call;
    event.operation = known.operation;
    pending.silent = known.silent === true;
    readKnown(channel, event, pending, known, call);
  }
  channel.push(pending, sink);
  return pending;
}

function readKnown(channel: Channel, event: StatementEvent, pending: Pending, known: Procedure, call: Call): void {
  const { handles } = channel.session;
  const { parameters } = call;
  if (parameters.length > known.values && !pending.silent) {
    event.parameters = parameters.slice(known.values).map(bindValue);
  }
  if (known.text !== undefined) {
    const raw = parameters[known.text];
    if (raw !== undefined && !raw.isNull && isText(raw.type)) takeTextOf(event, raw);
  }
  if (known.handle !== undefined) {
    const [index, space] = known.handle;
    const key = keyOf(space, parameters[index]);
    const prepared = key === undefined ? undefined : handles.get(key);
    if (prepared !== undefined) copyText(prepared, event);
    if (prepared?.text === undefined) event.marks |= MARK_UNKNOWN_HANDLE;
    pending.prepared = prepared;
    if (known.frees && key !== undefined) handles.delete(key);
  }
  if (known.returns !== undefined) {
    pending.returned = known.returns;
    pending.prepared = new Prepared();
    copyText(event, pending.prepared);
    pending.prepared.marks = event.textLength === undefined ? 0 : event.marks & TEXT_MARKS;
  }
}

/** Marks of a statement's text that go with it: truncated, malformed. */
const TEXT_MARKS = 2 | 32;

function keyOf(space: Returned, raw: RawValue | undefined): string | undefined {
  if (raw === undefined || raw.isNull) return undefined;
  const value = bindValue(raw);
  return typeof value === 'number' ? `${space} ${value}` : undefined;
}

/** The call returned an integer: the handle of what it prepared, or the cursor that it opened. */
export function onHandle(channel: Channel, pending: Pending, value: number): void {
  const space = pending.returned[pending.returnedCount++];
  if (space === undefined || pending.prepared === undefined || value <= 0) return;
  keepPrepared(channel.session.handles, `${space} ${value}`, pending.prepared);
}

/** A procedure's own name: without database, schema, quotes and group number, in lower case. */
function baseName(procedure: string): string {
  const last = procedure.slice(procedure.lastIndexOf('.') + 1).replace(/;\d+$/, '');
  return last.replace(/^[["]|[\]"]$/g, '').toLowerCase();
}

function plainValues(event: StatementEvent, name: string, parameters: readonly RawValue[]): readonly BindValue[] {
  return parameters.map((raw, index) => argument(event, name, raw, index));
}

/** The value handed to a procedure's parameter number `index`, for the record of the call: passwords as `***`. */
export function argument(
  event: StatementEvent | undefined,
  procedure: string,
  raw: RawValue,
  index: number,
): BindValue {
  if (raw.isNull || !isSecret(procedure, raw.name, index)) return bindValue(raw);
  if (event !== undefined) event.marks |= MARK_REDACTED;
  return REDACTED;
}

/** True for a password, by the parameter's name (without `@`, in lower case) or else by its number. */
function isSecret(procedure: string, name: string, index: number): boolean {
  if (name !== '') return SECRET_NAME.test(name);
  return SECRETS.get(baseName(procedure))?.includes(index) === true;
}

function roleOf(parameters: readonly RawValue[]): string | undefined {
  const raw = parameters.find((one) => one.name === 'rolename') ?? parameters[0];
  const value = raw === undefined ? undefined : bindValue(raw);
  return typeof value === 'string' ? value : undefined;
}
