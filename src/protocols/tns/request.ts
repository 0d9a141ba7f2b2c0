/** What is read out of one client message, and what reading it needs to know of the connection. */
import type { BindValue } from '../../contracts/event.ts';
import type { CursorEntry } from './cursors.ts';
import type { ExecuteCall, ExecuteContext } from './execute.ts';
import type { LoginCall } from './login.ts';
import { DIALECT_UNKNOWN, type Dialect, type TtcReader } from './reader.ts';

const FIELD_VERSION_TOKEN = 18;

/** More of the message may come. */
export const EXTENT_OPEN = 0;
export const EXTENT_WHOLE = 1;
/** No more comes, and its end is missing. */
export const EXTENT_CUT = 2;
/** How much of a message there is. */
export type Extent = 0 | 1 | 2;

/** How the connection writes its messages. */
export interface RequestContext extends ExecuteContext {
  readonly dialect: Dialect;
  readonly bigChunks: boolean;
  /** The field version was negotiated, or found by an earlier call. */
  readonly sure: boolean;
  cursor(id: number): CursorEntry | undefined;
}

export interface EndToEnd {
  readonly clientId: string | undefined;
  readonly module: string | undefined;
  readonly hasClientId: boolean;
}

/** LOB operation: on which locator, from where, how much. */
export interface LobCall {
  readonly operation: number;
  /** First bytes of the locator in hexadecimal; `undefined` when there is none or it was not found. */
  readonly locator: string | undefined;
  readonly offset: number;
  /** Characters or bytes; -1 when not said. */
  readonly amount: number;
  /** Bytes written. */
  readonly dataBytes: number;
}

/** Direct path load. */
export interface DirectPathCall {
  readonly schema: string | undefined;
  readonly table: string | undefined;
  readonly columns: readonly string[];
  /** Bytes of rows in this message. */
  readonly dataBytes: number;
  /** Of the operation call: what to do with the load. */
  readonly operation: number;
}

/** Text of a bundled call, or data of a LOB, in which the bytes of the message end. */
export interface PartialData {
  /** Where it begins, with its count. */
  readonly at: number;
  /** Bytes announced for data without a count; -1 for counted data. */
  readonly rawBytes: number;
  readonly dialect: Dialect;
  readonly call: ExecuteCall | undefined;
  /** Read in the layout that was agreed on, not one that is tried. */
  readonly isAgreed: boolean;
}

export class Request {
  closed: number[] = [];
  /** Cursors whose fetch is given up; they stay. */
  cancelled: number[] = [];
  endToEnd: EndToEnd | undefined = undefined;
  schema: string | undefined = undefined;
  /** Function of the call; -1 while none was found. */
  fn = -1;
  sequence = 0;
  execute: ExecuteCall | undefined = undefined;
  partial: PartialData | undefined = undefined;
  /** What came of the call is not all of it. */
  isPartial = false;
  /** The call's text was searched for: no layout explains the call. */
  salvaged = false;
  cursorId = 0;
  values: readonly BindValue[] | undefined = undefined;
  login: LoginCall | undefined = undefined;
  lob: LobCall | undefined = undefined;
  directPath: DirectPathCall | undefined = undefined;
  /** The bytes end before the message does. */
  cut = false;
  /** Fields contradict each other, or a part could not be read. */
  malformed = false;
  fieldVersion = -1;
  /** Dialect that made sense of a bundled call. */
  dialect: Dialect = DIALECT_UNKNOWN;
}

/** The token number that calls of 23ai carry behind their sequence number. */
export function skipToken(reader: TtcReader, fieldVersion: number): void {
  if (fieldVersion >= FIELD_VERSION_TOKEN) reader.ub(8);
}
