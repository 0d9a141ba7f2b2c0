/**
 * FunctionCall: a call by function OID without SQL, which clients use for large objects (libpq's `lo_*`). The names
 * and argument types of those are fixed by the server's catalogue (pg_proc.dat); other functions keep their OID.
 */
import type { Cursor } from '../../base/cursor.ts';
import type { StatementEvent } from '../../contracts/event.ts';
import type { Frame } from '../../contracts/protocol.ts';
import { readValues } from './bind.ts';
import type { Session } from './session.ts';
import { OID_BYTEA, OID_INT4, OID_INT8, OID_OID } from './types.ts';

interface KnownFunction {
  readonly name: string;
  readonly types: readonly number[];
}

const FUNCTIONS: ReadonlyMap<number, KnownFunction> = new Map([
  [715, { name: 'lo_create', types: [OID_OID] }],
  [764, { name: 'lo_import', types: [] }],
  [765, { name: 'lo_export', types: [] }],
  [952, { name: 'lo_open', types: [OID_OID, OID_INT4] }],
  [953, { name: 'lo_close', types: [OID_INT4] }],
  [954, { name: 'loread', types: [OID_INT4, OID_INT4] }],
  [955, { name: 'lowrite', types: [OID_INT4, OID_BYTEA] }],
  [956, { name: 'lo_lseek', types: [OID_INT4, OID_INT4, OID_INT4] }],
  [957, { name: 'lo_creat', types: [OID_INT4] }],
  [958, { name: 'lo_tell', types: [OID_INT4] }],
  [964, { name: 'lo_unlink', types: [OID_OID] }],
  [1004, { name: 'lo_truncate', types: [OID_INT4, OID_INT4] }],
  [3170, { name: 'lo_lseek64', types: [OID_INT4, OID_INT8, OID_INT4] }],
  [3171, { name: 'lo_tell64', types: [OID_INT4] }],
  [3172, { name: 'lo_truncate64', types: [OID_INT4, OID_INT8] }],
]);

/** Reads function and arguments into `event`; the cursor stands behind the header. */
export function readFunctionCall(s: Session, frame: Frame, cursor: Cursor, event: StatementEvent): void {
  const oid = cursor.u32be();
  const known = FUNCTIONS.get(oid);
  event.procedure = known?.name ?? String(oid);
  readValues(s, frame, cursor, known?.types ?? [], event);
}
